import type { IDisposable } from '@lumino/disposable';

/** While the page is used it says so this often. */
export const USED_MS = 5_000;

/** An open page that is not used says so this often. */
export const QUIET_MS = 60_000;

/** A server without the extension is left alone for so long. */
export const ABSENT_MS = 600_000;

/**
 * When the page was used last, told to somebody: at once after a pause, every
 * few seconds while it goes on, and now and then when it does not.
 */
export class PageActivity implements IDisposable {
  /** `report` resolves to whether there is anybody to tell. */
  constructor(report: (secondsAgo: number) => Promise<boolean>) {
    this._report = report;
    this._quiet = setInterval(() => {
      this._tell();
    }, QUIET_MS);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The page is used, now. Called at every key and every move of the pointer. */
  used(): void {
    if (this._isDisposed) {
      return;
    }
    const now = Date.now();
    this._usedAt = now;
    const wait = this._toldUseAt + USED_MS - now;
    // A clock that was set back must not silence the page.
    if (wait <= 0 || wait > USED_MS) {
      this._tellUse();
    } else {
      this._later ??= setTimeout(() => {
        this._tellUse();
      }, wait);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearInterval(this._quiet);
    clearTimeout(this._later);
  }

  private _tellUse(): void {
    clearTimeout(this._later);
    this._later = undefined;
    this._toldUseAt = Date.now();
    this._tell();
  }

  private _tell(): void {
    const now = Date.now();
    if (now < this._absentUntil && this._absentUntil - now <= ABSENT_MS) {
      return;
    }
    const secondsAgo = Math.max(0, now - this._usedAt) / 1000;
    void this._report(secondsAgo).then(heard => {
      this._absentUntil = heard ? 0 : Date.now() + ABSENT_MS;
    });
  }

  private readonly _report: (secondsAgo: number) => Promise<boolean>;
  private readonly _quiet: ReturnType<typeof setInterval>;
  private _later: ReturnType<typeof setTimeout> | undefined;
  private _usedAt = Date.now();
  private _toldUseAt = -Infinity;
  private _absentUntil = 0;
  private _isDisposed = false;
}
