import type { Api } from '../api/client';
import type { Connection } from './connection';
import { Resource } from './resource';

/** A page of a list; `next` is where the page after it begins, null where there is none. */
export interface IPage<T> {
  rows: readonly T[];
  next: number | null;
}

/** A list of the server's that is shown by the page, the newest first. */
export class Pages<T> {
  /** `load` gives the rows under a number, the newest ones where it gets none. */
  constructor(
    connection: Connection,
    load: (api: Api, before: number | undefined) => Promise<IPage<T>>
  ) {
    this.page = new Resource(connection, api => load(api, this._begins.at(-1)));
  }

  /** The page that is shown. */
  readonly page: Resource<IPage<T>>;

  /** How many pages are newer. */
  get newerPages(): number {
    return this._begins.length;
  }

  get hasOlder(): boolean {
    return typeof this.page.value?.next === 'number';
  }

  /** Show the page after this one. */
  async older(): Promise<void> {
    const next = this.page.value?.next;
    if (typeof next === 'number' && !this.page.loading) {
      this._begins.push(next);
      await this.page.refresh();
    }
  }

  /** Show the page before this one. */
  async newer(): Promise<void> {
    if (this._begins.pop() !== undefined) {
      await this.page.refresh();
    }
  }

  private readonly _begins: number[] = [];
}

/** A page of at most `size` rows out of rows of which one more was asked for. */
export function pageOf<T>(
  rows: readonly T[],
  size: number,
  numberOf: (row: T) => number
): IPage<T> {
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  return {
    rows: shown,
    next: rows.length > size && last !== undefined ? numberOf(last) : null
  };
}
