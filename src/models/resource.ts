import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { Connection } from './connection';

/**
 * Something of the server's that is shown: asked for while somebody watches,
 * and again when the home has moved on. What was known stays until there is
 * something newer, so that nothing flickers.
 */
export class Resource<T> {
  constructor(
    private readonly _connection: Connection,
    private readonly _load: (api: Api) => Promise<T>
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
      void this.refresh();
    }
    return new DisposableDelegate(() => {
      if (--this._watchers === 0) {
        this._connection.moved.disconnect(this._again);
      }
    });
  }

  /** Ask for it; one more time after that where somebody asks meanwhile. Never rejects. */
  refresh(): Promise<void> {
    if (this._asking) {
      this._stale = true;
      return this._asking;
    }
    this._asking = this._ask().finally(() => {
      this._asking = undefined;
      this._changed.emit();
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
      try {
        this._value = await this._load(this._connection.api);
        this._failure = undefined;
        this._connection.note();
      } catch (error) {
        this._failure =
          error instanceof Error ? error : new Error(String(error));
        this._connection.note(error);
        return;
      }
      // Read after an await: somebody may have asked meanwhile.
    } while (this._isStale());
  }

  private _isStale(): boolean {
    return this._stale;
  }

  private readonly _again = (): void => {
    void this.refresh();
  };

  private readonly _changed = new Signal<this, void>(this);
  private _value: T | undefined;
  private _failure: Error | undefined;
  private _asking: Promise<void> | undefined;
  private _stale = false;
  private _watchers = 0;
}
