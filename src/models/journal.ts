import type { ISharedNotebook } from '@jupyter/ydoc';
import { type ISignal, Signal } from '@lumino/signaling';
import {
  cellState,
  changedFields,
  type Field,
  type ICellState,
  indexOfCell,
  isCodeCell,
  isVolatile,
  reinsert,
  restoreField,
  sameField
} from './cellState';
import type { IMark } from './mark';
import { isProtected } from './protection';

/** What was done with a proposal. */
export type Act = 'accept' | 'run' | 'apply' | 'reject';

/** One cell before and after an act; null where it was not there. */
interface IChange {
  readonly id: string;
  readonly before: ICellState | null;
  readonly after: ICellState | null;
}

/** Something that was done, and can be undone and done again. */
export interface IEntry {
  readonly number: number;
  readonly act: Act;
  readonly mark: IMark;
  /** The ids of the cells that it changed; the first is the proposal's. */
  readonly cells: readonly string[];
  readonly undone: boolean;
  /** Whether it is still going on: its cell runs. */
  readonly running: boolean;
}

/**
 * What came of asking for something to be undone or done again. `changed`: a
 * cell is another than the act left it, and nothing was done; `protected`: a
 * cell must not be changed; `running`: the cell still runs.
 */
export type Outcome =
  | { readonly kind: 'done'; readonly entry: IEntry }
  | { readonly kind: 'changed'; readonly entry: IEntry }
  | { readonly kind: 'protected' }
  | { readonly kind: 'running' }
  | { readonly kind: 'nothing' };

interface IKept extends IEntry {
  undone: boolean;
  running: boolean;
  changes: readonly IChange[];
}

/** So many acts can be undone in a notebook. */
export const KEPT = 200;

/**
 * What was done with the proposals of one notebook. Each act changes the
 * notebook in one transaction of the shared document, and can be undone by
 * itself, in any order: text, outputs, metadata and place of its cells, and
 * only those parts that it changed.
 */
export class Journal {
  constructor(private readonly _notebook: ISharedNotebook) {}

  /** The acts, the oldest first. */
  get entries(): readonly IEntry[] {
    return this._entries;
  }

  /** Something was done, undone or done again. */
  get changed(): ISignal<this, IEntry> {
    return this._changed;
  }

  /** What `undo` would undo without a number. */
  get undoable(): IEntry | undefined {
    return this._last();
  }

  /** The last act on a cell that can be undone. */
  lastOn(cell: string): IEntry | undefined {
    return [...this._entries]
      .reverse()
      .find(({ undone, cells }) => !undone && cells.includes(cell));
  }

  /** What `redo` would do again without a number. */
  get redoable(): IEntry | undefined {
    return this._redo.at(-1);
  }

  /**
   * Do something with the cells `ids`; the first is the proposal's. `change` is
   * one transaction. What is `running` goes on until its `end`, and can't be
   * undone before.
   */
  record(
    act: Act,
    mark: IMark,
    ids: readonly string[],
    change: () => void,
    running = false
  ): IEntry {
    const before = ids.map(id => cellState(this._notebook, id));
    this._transact(act === 'apply' || act === 'reject', change);
    const entry: IKept = {
      number: ++this._count,
      act,
      mark,
      cells: ids,
      undone: false,
      running,
      changes: ids.map((id, index) => ({
        id,
        before: before[index] ?? null,
        after: cellState(this._notebook, id)
      }))
    };
    this._entries.push(entry);
    this._entries.splice(0, this._entries.length - KEPT);
    this._redo = [];
    this._changed.emit(entry);
    return entry;
  }

  /** What was begun has come to its end; what was typed meanwhile is none of it. */
  end(entry: IEntry): void {
    const kept = this._find(entry.number);
    if (!kept?.running) {
      return;
    }
    kept.running = false;
    kept.changes = kept.changes.map(({ id, before, after }) => {
      const now = cellState(this._notebook, id);
      return {
        id,
        before,
        after:
          now && after
            ? { ...now, cell: { ...now.cell, source: after.cell.source } }
            : after
      };
    });
    this._changed.emit(kept);
  }

  /** Undo an act, the last one where none is named; over what was changed since if `force`. */
  undo(number?: number, force = false): Outcome {
    const entry = number === undefined ? this._last() : this._find(number);
    if (!entry || entry.undone) {
      return { kind: 'nothing' };
    }
    const outcome = this._restore(entry, 'before', force);
    if (outcome.kind === 'done') {
      entry.undone = true;
      this._redo.push(entry);
      this._changed.emit(entry);
    }
    return outcome;
  }

  /** Do an act again, the one undone last where none is named. Nothing runs again: its outputs come back. */
  redo(number?: number, force = false): Outcome {
    const entry = number === undefined ? this._redo.at(-1) : this._find(number);
    if (!entry?.undone) {
      return { kind: 'nothing' };
    }
    const outcome = this._restore(entry, 'after', force);
    if (outcome.kind === 'done') {
      entry.undone = false;
      this._redo = this._redo.filter(other => other !== entry);
      this._changed.emit(entry);
    }
    return outcome;
  }

  private _last(): IKept | undefined {
    return [...this._entries].reverse().find(entry => !entry.undone);
  }

  private _find(number: number): IKept | undefined {
    return this._entries.find(entry => entry.number === number);
  }

  private _restore(
    entry: IKept,
    to: 'before' | 'after',
    force: boolean
  ): Outcome {
    if (entry.running) {
      return { kind: 'running' };
    }
    const from = to === 'before' ? 'after' : 'before';
    const steps = entry.changes.map(change =>
      this._step(change.id, change[from], change[to])
    );
    if (steps.some(step => step.kind === 'protected')) {
      return { kind: 'protected' };
    }
    if (!force && steps.some(step => step.conflict)) {
      return { kind: 'changed', entry };
    }
    for (const step of steps) {
      step.prepare?.();
    }
    const tracked = steps.some(step => step.kind === 'text');
    this._transact(tracked, () => {
      for (const step of steps) {
        step.apply?.();
      }
    });
    return { kind: 'done', entry };
  }

  /** How one cell gets from a state to another. */
  private _step(
    id: string,
    from: ICellState | null,
    to: ICellState | null
  ): IStep {
    const now = cellState(this._notebook, id);
    if (!to) {
      return this._removal(from, now);
    }
    if (!now) {
      return {
        kind: 'text',
        // Somebody else has taken away what this act left there.
        conflict: from !== null,
        apply: () => {
          reinsert(this._notebook, to);
        }
      };
    }
    const fields = changedFields(from?.cell ?? now.cell, to.cell).filter(
      field => !sameField(now.cell, to.cell, field)
    );
    if (fields.length > 0 && isProtected(now.cell.metadata)) {
      return { kind: 'protected', conflict: true };
    }
    const left = from?.cell ?? to.cell;
    const conflict = fields.some(
      field => !isVolatile(field) && !sameField(now.cell, left, field)
    );
    return {
      kind: fields.includes('source') ? 'text' : 'quiet',
      conflict,
      prepare: () => {
        this._clearOutputs(now, to, fields);
      },
      apply: () => {
        const cell = this._notebook.getCell(indexOfCell(this._notebook, id));
        for (const field of fields) {
          restoreField(cell, to.cell, field);
        }
      }
    };
  }

  private _removal(from: ICellState | null, now: ICellState | null): IStep {
    if (!now) {
      return { kind: 'quiet', conflict: false };
    }
    if (isProtected(now.cell.metadata)) {
      return { kind: 'protected', conflict: true };
    }
    const same =
      from !== null &&
      changedFields(from.cell, now.cell).every(field => isVolatile(field));
    return {
      kind: 'text',
      conflict: !same,
      apply: () => {
        this._notebook.deleteCell(
          indexOfCell(this._notebook, now.cell.id as string)
        );
      }
    };
  }

  /**
   * Notebook views append new outputs before they take the old ones away, and
   * a stream would be merged with one that goes: so the old ones go first.
   */
  private _clearOutputs(
    now: ICellState,
    to: ICellState,
    fields: readonly Field[]
  ): void {
    const cell = this._notebook.getCell(now.index);
    const replaced = [now.cell, to.cell].every(
      state => (state['outputs'] as unknown[] | undefined)?.length
    );
    if (fields.includes('outputs') && replaced && isCodeCell(cell)) {
      cell.setOutputs([]);
    }
  }

  private _transact(tracked: boolean, change: () => void): void {
    const { undoManager } = this._notebook as {
      undoManager?: { stopCapturing: () => void };
    };
    // What is typed right before or after is a step of its own in the notebook's undo.
    if (tracked) {
      undoManager?.stopCapturing();
    }
    this._notebook.transact(change, tracked);
    if (tracked) {
      undoManager?.stopCapturing();
    }
  }

  private readonly _entries: IKept[] = [];
  private readonly _changed = new Signal<this, IEntry>(this);
  private _redo: IKept[] = [];
  private _count = 0;
}

/** `text` can be undone by the notebook's own undo, too. */
interface IStep {
  readonly kind: 'text' | 'quiet' | 'protected';
  readonly conflict: boolean;
  prepare?: () => void;
  apply?: () => void;
}
