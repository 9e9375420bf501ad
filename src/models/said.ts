import { type ISignal, Signal } from '@lumino/signaling';
import { answer } from '../api/client';
import { Refused, Unreachable } from '../api/failure';
import type { Connection } from './connection';
import type { IRejection } from './rejections';

export type Word = 'good' | 'bad';

/** Of so many of the newest tasks it is known what the user has said. */
const TASKS = 200;

/** What others may have said meanwhile is looked for this often at most. */
const LOOK_MS = 5_000;

/** Reasons are cut here, as the server wants it. */
export const REASON_CHARS = 4000;

/** What the user says of tasks in the page, and has said of them before. */
export class Said {
  constructor(
    private readonly _connection: Connection,
    private readonly _clock: () => number = Date.now
  ) {}

  /** A word is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The user's word on a task; null where none was said, or none is known. */
  word(trajectory: string): Word | null {
    return this._words.get(trajectory) ?? null;
  }

  /** Look for the words that were said before. Never rejects. */
  async look(): Promise<void> {
    const now = this._clock();
    if (now - this._lookedAt < LOOK_MS && now >= this._lookedAt) {
      return;
    }
    this._lookedAt = now;
    try {
      const page = await answer(
        this._connection.api.GET('/tasks', {
          params: { query: { limit: TASKS } }
        })
      );
      for (const { id, said } of page.tasks) {
        this._put(id, said);
      }
      this._connection.note();
      this._changed.emit();
    } catch (error) {
      this._connection.note(error);
    }
  }

  /** Say something of a task. Rejects with `Refused` or `Unreachable`. */
  async say(trajectory: string, word: Word, reason = ''): Promise<string> {
    const said = await answer(
      this._connection.api.POST('/tasks/{id}/feedback', {
        params: { path: { id: trajectory } },
        body: { kind: word, reason: reason.slice(0, REASON_CHARS) }
      })
    );
    this._put(trajectory, word);
    this._changed.emit();
    return said.told;
  }

  /** Take the last word on a task back. Rejects with `Refused` or `Unreachable`. */
  async takeBack(trajectory: string): Promise<string> {
    const said = await answer(
      this._connection.api.DELETE('/tasks/{id}/feedback', {
        params: { path: { id: trajectory } }
      })
    );
    this._put(trajectory, null);
    this._changed.emit();
    return said.told;
  }

  /**
   * Tell a task that its proposal was turned down, if it still waits for it.
   * Resolves to whether that is settled.
   */
  async reject({ mark, reason }: IRejection): Promise<boolean> {
    try {
      const account = await answer(
        this._connection.api.GET('/tasks/{id}', {
          params: { path: { id: mark.trajectory } }
        })
      );
      const last = account.steps.at(-1);
      if (account.stop === null && last?.number === mark.step && !last.ran) {
        await this.say(mark.trajectory, 'bad', reason);
      }
    } catch (error) {
      // What the server refuses now it will refuse later, too.
      return error instanceof Refused || !(error instanceof Unreachable);
    }
    return true;
  }

  /** What was changed in a proposal before it ran, as the lines of a diff; empty where nothing was. */
  async editOf(trajectory: string, step: number): Promise<readonly string[]> {
    const account = await answer(
      this._connection.api.GET('/tasks/{id}', {
        params: { path: { id: trajectory } }
      })
    );
    return account.steps.find(one => one.number === step)?.edit ?? [];
  }

  private _put(trajectory: string, word: Word | null): void {
    if (word) {
      this._words.set(trajectory, word);
    } else {
      this._words.delete(trajectory);
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _words = new Map<string, Word>();
  private _lookedAt = -Infinity;
}
