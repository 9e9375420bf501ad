import { type ISignal, Signal } from '@lumino/signaling';
import { answer } from '../api/client';
import type { AdapterAccount, Moved } from '../api/schema';
import type { Connection } from './connection';

/** How long a deletion is held back, in which it can be undone. */
export const HOLD_MS = 10_000;

/** What shall serve again: what did before the newest promotion, the base, or a version. */
export type Back = 'before' | 'base' | number;

/** What a person may do to an adapter as it stands. */
export type AdapterWish = 'promote' | 'delete' | 'before' | 'base' | 'again';

export function wishesFor(adapter: AdapterAccount): readonly AdapterWish[] {
  if (adapter.serving) {
    return ['before', 'base'];
  }
  return adapter.status === 'promoted' || adapter.status === 'forced'
    ? ['again']
    : ['promote', 'delete'];
}

/**
 * What a person does to adapters. A deletion cannot be undone once it is made;
 * so it is made only when the time to undo it has passed, and never where the
 * page goes away before.
 */
export class AdapterChanges {
  constructor(
    private readonly _connection: Connection,
    private readonly _holdMs = HOLD_MS
  ) {}

  /** The versions whose deletion is held back. */
  get deleting(): ReadonlySet<number> {
    return new Set(this._held.keys());
  }

  /** `deleting` is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The server has done something. */
  get done(): ISignal<this, Moved> {
    return this._done;
  }

  /** Let an adapter serve, whatever its gate said. Rejects with Refused, Unreachable. */
  promote(version: number, reason: string): Promise<Moved> {
    return this._ask(
      answer(
        this._connection.api.POST('/adapters/{version}/promote', {
          params: { path: { version: String(version) } },
          body: { reason }
        })
      )
    );
  }

  /** Let something serve again that served. Rejects with Refused, Unreachable. */
  rollBack(to: Back, reason: string): Promise<Moved> {
    return this._ask(
      answer(
        this._connection.api.POST('/adapters/rollback', {
          body: { to, reason }
        })
      )
    );
  }

  /** Delete an adapter unless `keep` is called in time; then undefined. Rejects with Refused, Unreachable. */
  async remove(version: number): Promise<Moved | undefined> {
    if (this._held.has(version)) {
      return undefined;
    }
    const expired = await new Promise<boolean>(resolve => {
      const timer = setTimeout(() => {
        resolve(true);
      }, this._holdMs);
      this._held.set(version, () => {
        clearTimeout(timer);
        resolve(false);
      });
      this._changed.emit();
    });
    try {
      return expired ? await this._delete(version) : undefined;
    } finally {
      this._held.delete(version);
      this._changed.emit();
    }
  }

  /** Call a deletion off that is held back. */
  keep(version: number): void {
    this._held.get(version)?.();
  }

  private _delete(version: number): Promise<Moved> {
    // From here on it is too late to undo.
    this._held.set(version, () => undefined);
    return this._ask(
      answer(
        this._connection.api.DELETE('/adapters/{version}', {
          params: { path: { version: String(version) } }
        })
      )
    );
  }

  private async _ask(asked: Promise<Moved>): Promise<Moved> {
    const moved = await asked;
    this._done.emit(moved);
    return moved;
  }

  private readonly _held = new Map<number, () => void>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _done = new Signal<this, Moved>(this);
}
