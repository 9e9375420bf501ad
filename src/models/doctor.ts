import { type ISignal, Signal } from '@lumino/signaling';
import { answer } from '../api/client';
import type { Diagnosis, Finding } from '../api/schema';
import type { Connection } from './connection';

const WORST_FIRST: readonly Finding['level'][] = ['fail', 'warn', 'ok'];

/** Looks for what does not work, when it is asked to: it takes seconds. */
export class Doctor {
  /** `clock` gives milliseconds since the epoch. */
  constructor(
    private readonly _connection: Connection,
    private readonly _clock: () => number = Date.now
  ) {}

  /** What was found last; undefined before the first look. */
  get diagnosis(): Diagnosis | undefined {
    return this._diagnosis;
  }

  /** When that was, in seconds since the epoch. */
  get at(): number {
    return this._at;
  }

  get looking(): boolean {
    return this._looking !== undefined;
  }

  /** Why the last look came to nothing. */
  get failure(): Error | undefined {
    return this._failure;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What was found, the worst first. */
  findings(...levels: Finding['level'][]): Finding[] {
    const found = this._diagnosis?.findings ?? [];
    return found
      .filter(({ level }) => levels.length === 0 || levels.includes(level))
      .sort((one, other) => rank(one) - rank(other));
  }

  /** Look now; `start` starts the local policy for it. One look at a time. Never rejects. */
  look(start = false): Promise<void> {
    if (!this._looking) {
      this._looking = this._look(start).finally(() => {
        this._looking = undefined;
        this._changed.emit();
      });
      this._changed.emit();
    }
    return this._looking;
  }

  private async _look(start: boolean): Promise<void> {
    try {
      this._diagnosis = await answer(
        this._connection.api.GET('/doctor', { params: { query: { start } } })
      );
      this._at = this._clock() / 1000;
      this._failure = undefined;
      this._connection.note();
    } catch (error) {
      this._failure = error instanceof Error ? error : new Error(String(error));
      this._connection.note(error);
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _diagnosis: Diagnosis | undefined;
  private _at = 0;
  private _looking: Promise<void> | undefined;
  private _failure: Error | undefined;
}

/** Where a command is meant to be run. */
export function placeOf(command: string): 'notebook' | 'terminal' {
  return command.startsWith('%') ? 'notebook' : 'terminal';
}

function rank({ level }: Finding): number {
  return WORST_FIRST.indexOf(level);
}
