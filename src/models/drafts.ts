import { type ISignal, Signal } from '@lumino/signaling';

/** A skill's text as it is now, and which one it is. */
export interface IVersion {
  text: string;
  hash: string;
  /** It cannot be used as it is: nobody wants it back. */
  broken?: boolean;
}

/** An edit that is not saved. */
export interface IDraft {
  /** What the user has written. */
  text: string;
  /** What was there when the user began. */
  base: IVersion;
  /** What somebody else has saved meanwhile, where a save was refused for it. */
  theirs?: IVersion;
}

/** Edits that are not saved, by the name of the skill; they outlive the views that they were made in. */
export class Drafts {
  /** The edit of a skill; undefined where there is none. */
  of(name: string): IDraft | undefined {
    return this._drafts.get(name);
  }

  /** The names of the skills with edits by which something would be lost. */
  get touched(): string[] {
    return [...this._drafts]
      .filter(([, draft]) => isTouched(draft))
      .map(([name]) => name);
  }

  get changed(): ISignal<this, string> {
    return this._changed;
  }

  /** Begin an edit, unless there is one. */
  begin(name: string, base: IVersion): void {
    if (!this._drafts.has(name)) {
      this._put(name, { text: base.text, base });
    }
  }

  /** Keep what the user has written. */
  write(name: string, text: string): void {
    const draft = this._drafts.get(name);
    if (draft && draft.text !== text) {
      this._put(name, { ...draft, text });
    }
  }

  /** Somebody else has saved `theirs`: both stay. */
  refuse(name: string, theirs: IVersion): void {
    const draft = this._drafts.get(name);
    if (draft) {
      this._put(name, { ...draft, theirs });
    }
  }

  /** The user has seen what somebody else has saved: the edit goes on from there. */
  rebase(name: string): void {
    const draft = this._drafts.get(name);
    if (draft?.theirs) {
      this._put(name, { text: draft.text, base: draft.theirs });
    }
  }

  /** Put an edit back that was taken out. */
  restore(name: string, draft: IDraft): void {
    this._put(name, draft);
  }

  /** End an edit: it is saved, or given up. */
  end(name: string): IDraft | undefined {
    const draft = this._drafts.get(name);
    if (draft && this._drafts.delete(name)) {
      this._changed.emit(name);
    }
    return draft;
  }

  private _put(name: string, draft: IDraft): void {
    this._drafts.set(name, draft);
    this._changed.emit(name);
  }

  private readonly _drafts = new Map<string, IDraft>();
  private readonly _changed = new Signal<this, string>(this);
}

/** Whether something would be lost with an edit. */
export function isTouched(draft: IDraft): boolean {
  return draft.text !== draft.base.text;
}
