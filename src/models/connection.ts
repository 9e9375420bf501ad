import type { Event, ServiceManager } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { type ISignal, Signal } from '@lumino/signaling';
import { type Api, answer, connect } from '../api/client';
import { Refused, Unreachable } from '../api/failure';
import type { Health } from '../api/schema';

const MOVED = 'urn:metaclaw-jlab:moved:v1';
const SCHEDULE = 'urn:metaclaw-jlab:schedule:v1';

/** How often a server is looked after that says nothing by itself. */
const LOOK_MS = 30_000;

/** How soon one that is gone is asked again, ever later. */
const AGAIN_MS = 1_000;

/**
 * Where a page and its server stand. `absent`: there is a server, without the
 * extension. `closed`: the extension is there and its home cannot be served,
 * or not to this user; `failure` says why.
 */
export type ConnectionState =
  'connecting' | 'open' | 'gone' | 'absent' | 'closed';

/**
 * The server behind the page: whether it answers, which home it serves, and
 * when something in that home has moved on.
 */
export class Connection implements IDisposable {
  /** `clock` gives milliseconds since the epoch. */
  constructor(
    services: Pick<ServiceManager.IManager, 'serverSettings' | 'events'>,
    clock: () => number = Date.now
  ) {
    this.api = connect(services.serverSettings);
    this._clock = clock;
    this._events = services.events;
    this._events.stream.connect(this._heard);
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: { interval: LOOK_MS, backoff: true, max: LOOK_MS },
      name: 'metaclaw-jlab:connection',
      standby: 'when-hidden'
    });
  }

  readonly api: Api;

  get state(): ConnectionState {
    return this._state;
  }

  /** When the server was last heard of, in milliseconds since the epoch; 0 for never. */
  get heardAt(): number {
    return this._heardAt;
  }

  /** Which server, and of which home; undefined until it is known. */
  get health(): Health | undefined {
    return this._health;
  }

  /** Why nothing is served, where the server has said so. */
  get failure(): Refused | undefined {
    return this._failure;
  }

  /** `state` or `health` is another. */
  get stateChanged(): ISignal<this, ConnectionState> {
    return this._stateChanged;
  }

  /** Something in the home has moved on, or may have while the server was gone. */
  get moved(): ISignal<this, void> {
    return this._moved;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Ask the server again, now. */
  async look(): Promise<void> {
    await this._poll.refresh();
    await this._poll.tick;
  }

  /** Take down how a request went that somebody else made. */
  note(error?: unknown): void {
    if (this._isDisposed) {
      return;
    }
    if (error instanceof Unreachable) {
      if (this._state !== 'gone') {
        this._move('gone');
        void this._poll.schedule({ interval: AGAIN_MS, phase: 'rejected' });
      }
    } else {
      this._heardAt = this._clock();
      if (this._state === 'gone') {
        void this._poll.refresh();
      }
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._poll.dispose();
    this._events.stream.disconnect(this._heard);
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    const before = this._state;
    try {
      this._health = await answer(this.api.GET('/health'));
    } catch (error) {
      this._failed(error);
      throw error;
    }
    this._heardAt = this._clock();
    this._failure = undefined;
    this._move('open');
    if (before !== 'open') {
      this._moved.emit();
    }
  }

  private _failed(error: unknown): void {
    if (error instanceof Refused) {
      this._heardAt = this._clock();
      this._failure = error;
      this._move(error.status === 404 ? 'absent' : 'closed');
    } else {
      this._move('gone');
    }
  }

  private readonly _heard = (_: unknown, event: Event.Emission): void => {
    if (event.schema_id === MOVED || event.schema_id === SCHEDULE) {
      this._heardAt = this._clock();
      this._moved.emit();
    }
  };

  private _move(state: ConnectionState): void {
    this._state = state;
    this._stateChanged.emit(state);
  }

  private readonly _clock: () => number;
  private readonly _events: Event.IManager;
  private readonly _poll: Poll;
  private readonly _moved = new Signal<this, void>(this);
  private readonly _stateChanged = new Signal<this, ConnectionState>(this);
  private _state: ConnectionState = 'connecting';
  private _heardAt = 0;
  private _health: Health | undefined;
  private _failure: Refused | undefined;
  private _isDisposed = false;
}
