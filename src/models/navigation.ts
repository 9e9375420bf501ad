import type {
  PartialJSONObject,
  ReadonlyPartialJSONValue
} from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';

export const TAB_IDS = [
  'now',
  'skills',
  'scores',
  'training',
  'ablations'
] as const;

export type TabId = (typeof TAB_IDS)[number];

/** A place in the sidebar: a tab, or one thing in it, such as a skill by its name. */
export interface IPlace {
  tab: TabId;
  subject?: string;
}

const DEEPEST = 20;

/** Where one is in the sidebar, and the way back. */
export class Navigation {
  get place(): IPlace {
    return this._place;
  }

  get canGoBack(): boolean {
    return this._before.length > 0;
  }

  /** Where the way back leads; undefined where that is not known. */
  get before(): IPlace | undefined {
    return this._before.at(-1);
  }

  get changed(): ISignal<this, IPlace> {
    return this._changed;
  }

  /** Go to a place; the way back leads here. */
  go(tab: TabId, subject?: string): void {
    const place: IPlace = subject === undefined ? { tab } : { tab, subject };
    if (same(place, this._place)) {
      return;
    }
    this._before = [...this._before, this._place].slice(-DEEPEST);
    this._move(place);
  }

  /** Go back to where one was; to the list of the tab where that is not known. */
  back(): void {
    const before = this._before.at(-1) ?? { tab: this._place.tab };
    this._before = this._before.slice(0, -1);
    this._move(before);
  }

  /** Go to the tab so many places further, around the end. */
  step(by: number): void {
    const count = TAB_IDS.length;
    const index = TAB_IDS.indexOf(this._place.tab) + by;
    const tab = TAB_IDS[((index % count) + count) % count];
    if (tab) {
      this.go(tab);
    }
  }

  /** What to keep, so that it can be restored. */
  toJSON(): PartialJSONObject {
    return { ...this._place };
  }

  /** Go where one was before the page was loaded; anything else than a place is left aside. */
  restore(kept: ReadonlyPartialJSONValue | undefined): void {
    if (typeof kept !== 'object' || kept === null || !('tab' in kept)) {
      return;
    }
    const tab = TAB_IDS.find(id => id === kept.tab);
    if (tab) {
      const { subject } = kept;
      this._move(typeof subject === 'string' ? { tab, subject } : { tab });
    }
  }

  private _move(place: IPlace): void {
    this._place = place;
    this._changed.emit(place);
  }

  private _place: IPlace = { tab: 'now' };
  private _before: IPlace[] = [];
  private readonly _changed = new Signal<this, IPlace>(this);
}

function same(one: IPlace, other: IPlace): boolean {
  return one.tab === other.tab && one.subject === other.subject;
}
