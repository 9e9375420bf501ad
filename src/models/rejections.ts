import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { type IMark, markKey } from './mark';

/** So long a rejection can be undone before its task is told of it: that ends the task for good. */
export const HELD_MS = 10_000;

/** How soon a server that did not answer is told again. */
export const AGAIN_MS = 30_000;

/** A proposal that was turned down. `reason` is in the user's words, or empty. */
export interface IRejection {
  readonly mark: IMark;
  readonly reason: string;
}

/**
 * Tells of a rejection. `closing`: the page is about to end. Resolves to
 * whether it is settled; else it is told again later.
 */
export type Tell = (
  rejection: IRejection,
  closing: boolean
) => Promise<boolean>;

/** The rejections of a page that can still be undone. */
export class Rejections implements IDisposable {
  constructor(private readonly _tell: Tell) {}

  /** A rejection is held, taken back or told. */
  get changed(): ISignal<this, IMark> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Whether a proposal was turned down, and its task does not know yet. */
  holds(mark: IMark): boolean {
    return this._held.has(markKey(mark));
  }

  /** Turn a proposal down; the reason that is there stays where none is given. */
  hold(mark: IMark, reason = ''): void {
    const before = this._held.get(markKey(mark));
    clearTimeout(before?.timer);
    this._later({ mark, reason: reason || (before?.reason ?? '') }, HELD_MS);
    this._changed.emit(mark);
  }

  /** The proposal is there again; whether its rejection had not been told yet. */
  withdraw(mark: IMark): boolean {
    const held = this._held.get(markKey(mark));
    if (!held) {
      return false;
    }
    clearTimeout(held.timer);
    this._held.delete(markKey(mark));
    this._changed.emit(mark);
    return true;
  }

  /** Tell of all that are held, now. */
  async flush(closing = false): Promise<void> {
    await Promise.all(
      [...this._held.values()].map(held => this._send(held, closing))
    );
  }

  dispose(): void {
    this._isDisposed = true;
    for (const held of this._held.values()) {
      clearTimeout(held.timer);
    }
    this._held.clear();
    Signal.clearData(this);
  }

  private _later(rejection: IRejection, wait: number): void {
    const held: IHeld = {
      ...rejection,
      timer: setTimeout(() => {
        void this._send(held, false);
      }, wait)
    };
    this._held.set(markKey(rejection.mark), held);
  }

  private async _send(held: IHeld, closing: boolean): Promise<void> {
    const key = markKey(held.mark);
    clearTimeout(held.timer);
    this._held.delete(key);
    const settled = await this._tell(held, closing);
    if (this._isDisposed) {
      return;
    }
    if (!settled && !this._held.has(key)) {
      this._later(held, AGAIN_MS);
    }
    this._changed.emit(held.mark);
  }

  private readonly _held = new Map<string, IHeld>();
  private readonly _changed = new Signal<this, IMark>(this);
  private _isDisposed = false;
}

interface IHeld extends IRejection {
  readonly timer: ReturnType<typeof setTimeout>;
}
