import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { Connection } from './connection';

/** After an answer a home that moves on and on lets the server rest for so many times what that answer took, */
export const REST = 3;

/** and for so many milliseconds at most. */
export const LONGEST_REST_MS = 2_000;

/**
 * Something of the server's that is shown: asked for while somebody watches,
 * and again when the home has moved on. What was known stays until there is
 * something newer, so that nothing flickers. What changes with time alone is
 * asked for again `every` so many milliseconds, too, while the page is seen.
 */
export class Resource<T> {
  constructor(
    private readonly _connection: Connection,
    private readonly _load: (api: Api) => Promise<T>,
    private readonly _every?: number
  ) {}

  /** What was answered last; undefined before. */
  get value(): T | undefined {
    return this._value;
  }

  /** Why it could not be had at the last try. */
  get failure(): Error | undefined {
    return this._failure;
  }

  /** Whether it is being asked for. */
  get loading(): boolean {
    return this._asking !== undefined;
  }

  /** Value, failure or loading is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Keep it fresh until what is returned is disposed. */
  watch(): IDisposable {
    if (this._watchers++ === 0) {
      this._connection.moved.connect(this._again);
      if (this._every !== undefined) {
        this._clock = setInterval(() => {
          if (!document.hidden) {
            this._again();
          }
        }, this._every);
      }
      void this.refresh();
    }
    return new DisposableDelegate(() => {
      if (--this._watchers === 0) {
        this._connection.moved.disconnect(this._again);
        clearInterval(this._clock);
        clearTimeout(this._later);
        this._later = undefined;
      }
    });
  }

  /** Ask for it; one more time after that where somebody asks meanwhile. Never rejects. */
  refresh(): Promise<void> {
    if (this._asking) {
      this._stale = true;
      return this._asking;
    }
    clearTimeout(this._later);
    this._later = undefined;
    this._asking = this._ask().finally(() => {
      this._asking = undefined;
      this._changed.emit();
      if (this._movedOn) {
        this._movedOn = false;
        this._again();
      }
    });
    this._changed.emit();
    return this._asking;
  }

  /** Put a value that an answer to something else has brought. */
  put(value: T): void {
    this._value = value;
    this._failure = undefined;
    this._changed.emit();
  }

  private async _ask(): Promise<void> {
    do {
      this._stale = false;
      const begun = Date.now();
      try {
        this._value = await this._load(this._connection.api);
        this._failure = undefined;
        this._connection.note();
      } catch (error) {
        this._failure =
          error instanceof Error ? error : new Error(String(error));
        this._connection.note(error);
        return;
      } finally {
        const took = Math.max(0, Date.now() - begun);
        this._restUntil = Date.now() + Math.min(LONGEST_REST_MS, REST * took);
      }
      // Read after an await: somebody may have asked meanwhile.
    } while (this._isStale());
  }

  private _isStale(): boolean {
    return this._stale;
  }

  /** The home has moved on: at once, or when the server has rested. */
  private readonly _again = (): void => {
    if (this._asking) {
      this._movedOn = true;
      return;
    }
    const wait = this._restUntil - Date.now();
    // A clock that was set back must not silence it.
    if (wait <= 0 || wait > LONGEST_REST_MS) {
      void this.refresh();
    } else {
      this._later ??= setTimeout(() => {
        this._later = undefined;
        if (this._watchers > 0) {
          void this.refresh();
        }
      }, wait);
    }
  };

  private readonly _changed = new Signal<this, void>(this);
  private _value: T | undefined;
  private _failure: Error | undefined;
  private _asking: Promise<void> | undefined;
  private _later: ReturnType<typeof setTimeout> | undefined;
  private _clock: ReturnType<typeof setInterval> | undefined;
  private _restUntil = 0;
  private _stale = false;
  private _movedOn = false;
  private _watchers = 0;
}
