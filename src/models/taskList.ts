import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { answer } from '../api/client';
import type { TaskPage, TaskRow } from '../api/schema';
import type { Connection } from './connection';

/** So many tasks are asked for at once. */
export const PAGE = 100;

/** The next page is asked for so many rows before its end is seen. */
const AHEAD = 40;

/** Which tasks; every one where nothing is given. A notebook "" is none. */
export interface ITaskFilter {
  readonly notebook?: string;
  readonly skill?: string;
  readonly generation?: number;
}

/**
 * The tasks, the newest first: pages are loaded as they are scrolled to, and
 * what is seen stays fresh while somebody watches.
 */
export class TaskList {
  constructor(private readonly _connection: Connection) {}

  /** Those that are known, without a gap. */
  get rows(): readonly TaskRow[] {
    return this._rows;
  }

  /** Whether there are older ones. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  /** Whether it was answered at all, for this filter. */
  get known(): boolean {
    return this._known;
  }

  get loading(): boolean {
    return this._working !== undefined;
  }

  /** Why they could not be had at the last try. */
  get failure(): Error | undefined {
    return this._failure;
  }

  get filter(): ITaskFilter {
    return this._filter;
  }

  /** Anything of the above is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Keep what is seen fresh until what is returned is disposed. */
  watch(): IDisposable {
    if (this._watchers++ === 0) {
      this._connection.moved.connect(this._again);
      void this.refresh();
    }
    return new DisposableDelegate(() => {
      if (--this._watchers === 0) {
        this._connection.moved.disconnect(this._again);
      }
    });
  }

  /** List other tasks. */
  narrow(filter: ITaskFilter): Promise<void> {
    this._filter = filter;
    this._epoch++;
    this._rows = [];
    this._next = null;
    this._known = false;
    this._seen = [0, 0];
    return this.refresh();
  }

  /** Where the task of a number is, or the next older one; the last one where there is none. */
  indexOf(number: number): number {
    return Math.max(
      0,
      Math.min(this._rows.length - 1, this._under(number + 1))
    );
  }

  /** Say which rows are on the screen, by index: they stay fresh, and those after them are loaded. */
  see(first: number, last: number): void {
    this._seen = [first, last];
    if (this.hasMore && last >= this._rows.length - AHEAD) {
      this._wantsMore = true;
      void this._work();
    }
  }

  /** Ask for the newest and for those that are seen. Never rejects. */
  refresh(): Promise<void> {
    this._wantsFresh = true;
    return this._work();
  }

  private _work(): Promise<void> {
    if (!this._working) {
      this._working = this._workOff().finally(() => {
        this._working = undefined;
        this._changed.emit();
      });
      this._changed.emit();
    }
    return this._working;
  }

  private async _workOff(): Promise<void> {
    while (this._wantsFresh || this._wantsMore) {
      const epoch = this._epoch;
      try {
        if (this._wantsFresh) {
          this._wantsFresh = false;
          await this._freshen(epoch);
        } else {
          this._wantsMore = false;
          await this._extend(epoch);
        }
        this._failure = undefined;
        this._connection.note();
      } catch (error) {
        this._failed(error, epoch);
      }
    }
  }

  private _failed(error: unknown, epoch: number): void {
    this._connection.note(error);
    if (epoch === this._epoch) {
      this._failure = error instanceof Error ? error : new Error(String(error));
      this._wantsFresh = this._wantsMore = false;
    }
  }

  private async _freshen(epoch: number): Promise<void> {
    const newest = await this._ask(PAGE);
    if (epoch !== this._epoch) {
      return;
    }
    this._put(newest, Infinity);
    this._known = true;
    const [first, last] = this._seen;
    const top = this._rows[first];
    if (last >= PAGE && top) {
      const seen = await this._ask(last - first + 1, top.number + 1);
      if (epoch === this._epoch) {
        this._put(seen, top.number + 1);
      }
    }
  }

  private async _extend(epoch: number): Promise<void> {
    if (this._next === null) {
      return;
    }
    const before = this._next;
    const page = await this._ask(PAGE, before);
    // What was asked for meanwhile may have begun anew.
    if (epoch === this._epoch && before === this._next) {
      this._put(page, before);
      this._changed.emit();
    }
  }

  /** Put a page of the tasks under a number in the place of those that are known there. */
  private _put(page: TaskPage, before: number): void {
    const newer = this._rows.slice(0, this._under(before));
    const end = page.tasks.at(-1)?.number ?? 0;
    const top = this._rows[newer.length];
    // Between a page that ends over the newest known one and that one there may be others.
    const reaches =
      page.next !== null && top !== undefined && end <= top.number;
    const older = reaches ? this._rows.slice(this._under(end)) : [];
    this._rows = newer.concat(page.tasks, older);
    if (older.length === 0) {
      this._next = page.next;
    }
  }

  /** Where the tasks with numbers under this one begin. */
  private _under(number: number): number {
    let [low, high] = [0, this._rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this._rows[middle]?.number ?? 0) < number) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  private _ask(limit: number, before?: number): Promise<TaskPage> {
    const query = {
      limit: Math.min(2 * PAGE, limit),
      ...this._filter,
      ...(before === undefined ? {} : { before })
    };
    return answer(this._connection.api.GET('/tasks', { params: { query } }));
  }

  private readonly _again = (): void => {
    void this.refresh();
  };

  private readonly _changed = new Signal<this, void>(this);
  private _rows: readonly TaskRow[] = [];
  private _next: number | null = null;
  private _known = false;
  private _filter: ITaskFilter = {};
  private _failure: Error | undefined;
  private _working: Promise<void> | undefined;
  private _wantsFresh = false;
  private _wantsMore = false;
  private _seen: readonly [number, number] = [0, 0];
  private _epoch = 0;
  private _watchers = 0;
}
