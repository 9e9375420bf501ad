import { answer } from '../api/client';
import type { LibraryRow } from '../api/schema';
import type { Connection } from './connection';

/** By what the library is in groups. */
export type Grouping = 'source' | 'generation' | 'mark';

/** What is asked of the library: its groups, and words that all have to be in a skill. */
export interface IQuestion {
  readonly by: Grouping;
  readonly search: string;
}

export const PAGE = 100;

interface IPage {
  rows: readonly LibraryRow[];
  stale: boolean;
}

/**
 * The rows of the library's groups, a page of `PAGE` at a time, each asked for
 * when it is needed. What was known stays until there is something newer.
 */
export class RowPages {
  /** `changed` is called when there are other rows, or `failure` is another. */
  constructor(
    private readonly _connection: Connection,
    readonly question: IQuestion,
    private readonly _changed: () => void
  ) {}

  /** Why a page could not be had at the last try. */
  get failure(): Error | undefined {
    return this._failure;
  }

  /** The row at an offset in a group; undefined while it is not known. */
  row(group: string, offset: number): LibraryRow | undefined {
    const page = this._pages.get(keyOf(group, Math.floor(offset / PAGE)));
    return page?.rows[offset % PAGE];
  }

  /** Have the rows from `first` to `last` of a group. */
  need(group: string, first: number, last: number): void {
    const end = Math.floor(last / PAGE);
    for (let number = Math.floor(first / PAGE); number <= end; number++) {
      void this.page(group, number);
    }
  }

  /** A page of a group; undefined where it cannot be had. Never rejects. */
  async page(
    group: string,
    number: number
  ): Promise<readonly LibraryRow[] | undefined> {
    const key = keyOf(group, number);
    const known = this._pages.get(key);
    if ((!known || known.stale) && !this._failed.has(key)) {
      const asked = this._asked.get(key) ?? this._ask(group, number, key);
      this._asked.set(key, asked);
      await asked;
    }
    return this._pages.get(key)?.rows;
  }

  /** Ask for everything again when it is needed the next time. */
  expire(): void {
    // What is under way may be older than what has happened since.
    this._era++;
    this._asked.clear();
    this._failed.clear();
    for (const page of this._pages.values()) {
      page.stale = true;
    }
  }

  private async _ask(
    group: string,
    number: number,
    key: string
  ): Promise<void> {
    const era = this._era;
    const query = {
      ...this.question,
      group,
      offset: number * PAGE,
      limit: PAGE
    };
    try {
      const { rows } = await answer(
        this._connection.api.GET('/library/rows', { params: { query } })
      );
      if (era === this._era) {
        this._pages.set(key, { rows, stale: false });
        this._failure = undefined;
      }
      this._connection.note();
    } catch (error) {
      if (era === this._era) {
        this._failed.add(key);
        this._failure =
          error instanceof Error ? error : new Error(String(error));
      }
      this._connection.note(error);
    }
    if (era === this._era) {
      this._asked.delete(key);
      this._changed();
    }
  }

  private readonly _pages = new Map<string, IPage>();
  private readonly _asked = new Map<string, Promise<void>>();
  private readonly _failed = new Set<string>();
  private _era = 0;
  private _failure: Error | undefined;
}

function keyOf(group: string, number: number): string {
  return `${String(number)} ${group}`;
}
