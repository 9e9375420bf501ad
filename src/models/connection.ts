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
export const LOOK_MS = 10_000;

/** How soon one that is gone is asked again, each time twice as late, up to `LOOK_MS`. */
export const AGAIN_MS = 1_000;

/** A server that takes longer to say that it is there is slow. */
export const SLOW_MS = 2_500;

/** One that has not said so by then is gone. */
export const DEADLINE_MS = 15_000;

/**
 * Where a page and its server stand. `absent`: there is a server, without the
 * extension. `closed`: the extension is there and its home cannot be served,
 * or not to this user; `failure` says why.
 */
export type ConnectionState =
  'connecting' | 'open' | 'gone' | 'absent' | 'closed';

/**
 * How a server is back: the same one answers `again`, it was `restarted`, or
 * what was restarted is of another version than the page was loaded with.
 */
export type Comeback = 'again' | 'restarted' | 'changed';

type Services = Pick<ServiceManager.IManager, 'serverSettings' | 'events'> &
  Partial<Pick<ServiceManager.IManager, 'connectionFailure'>>;

/**
 * The server behind the page: whether it answers, which home it serves, and
 * when something in that home has moved on.
 */
export class Connection implements IDisposable {
  /** `clock` gives milliseconds since the epoch. */
  constructor(services: Services, clock: () => number = Date.now) {
    this.api = connect(services.serverSettings);
    this._clock = clock;
    this._services = services;
    services.events.stream.connect(this._heard);
    services.connectionFailure?.connect(this._suspect);
    this._poll = new Poll({
      factory: () => this._look(),
      frequency: { interval: LOOK_MS, backoff: false, max: LOOK_MS },
      name: 'metaclaw-jlab:connection',
      standby: 'when-hidden'
    });
  }

  readonly api: Api;

  get state(): ConnectionState {
    return this._state;
  }

  /** Whether the server has been asked whether it is there, and lets one wait. */
  get slow(): boolean {
    return this._slow;
  }

  /** When the server was last heard of, in milliseconds since the epoch; 0 for never. */
  get heardAt(): number {
    return this._heardAt;
  }

  /** Which server, and of which home; undefined until it is known. */
  get health(): Health | undefined {
    return this._health;
  }

  /** The version of the server that the page began with; undefined until it is known. */
  get firstVersion(): string | undefined {
    return this._firstVersion;
  }

  /** Why nothing is served, where the server has said so. */
  get failure(): Refused | undefined {
    return this._failure;
  }

  /** `state`, `slow` or `health` is another. */
  get stateChanged(): ISignal<this, ConnectionState> {
    return this._stateChanged;
  }

  /** The server is back, or another one in its place. */
  get cameBack(): ISignal<this, Comeback> {
    return this._cameBack;
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
        this._lose();
        void this._poll.schedule({ interval: this._patience() });
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
    this._services.events.stream.disconnect(this._heard);
    this._services.connectionFailure?.disconnect(this._suspect);
    Signal.clearData(this);
  }

  /** One look. It never rejects: the poll goes on at the pace that is set here. */
  private async _look(): Promise<void> {
    const found = await this._ask().catch((error: unknown) => error);
    if (this._isDisposed) {
      return;
    }
    if (found instanceof Refused) {
      this._refused(found);
    } else if (found instanceof Error) {
      this._lose();
    } else {
      const { home, standing } = found as Health;
      if (home === null) {
        this._refused(new Refused(503, 'HomeRefused', standing.sentence, ''));
      } else {
        this._found(found as Health);
      }
    }
    this._pace(this._state === 'gone' ? this._patience() : LOOK_MS);
  }

  private async _ask(): Promise<Health> {
    const given = new AbortController();
    const slow = setTimeout(() => {
      this._setSlow(true);
    }, SLOW_MS);
    const deadline = setTimeout(() => {
      given.abort();
    }, DEADLINE_MS);
    try {
      return await answer(this.api.GET('/health', { signal: given.signal }));
    } finally {
      clearTimeout(slow);
      clearTimeout(deadline);
      this._setSlow(false);
    }
  }

  private _found(health: Health): void {
    const [state, known] = [this._state, this._health];
    this._health = health;
    this._heardAt = this._clock();
    this._firstVersion ??= health.version;
    this._failure = undefined;
    this._failed = 0;
    const another = known && known.pid !== health.pid;
    if (state !== 'open' || !same(known, health)) {
      this._move('open');
    }
    if (state !== 'open' || another || known?.home !== health.home) {
      this._moved.emit();
    }
    if (another) {
      this._cameBack.emit(
        health.version === this._firstVersion ? 'restarted' : 'changed'
      );
    } else if (known && state === 'gone') {
      this._cameBack.emit('again');
    }
  }

  private _refused(error: Refused): void {
    this._heardAt = this._clock();
    this._failure = error;
    this._failed = 0;
    this._move(error.status === 404 ? 'absent' : 'closed');
  }

  private _lose(): void {
    this._failed += 1;
    if (this._state !== 'gone') {
      this._move('gone');
    }
  }

  /** How long to wait before one that is gone is asked again. */
  private _patience(): number {
    return Math.min(LOOK_MS, AGAIN_MS * 2 ** Math.max(0, this._failed - 1));
  }

  private _pace(interval: number): void {
    if (interval !== this._poll.frequency.interval) {
      this._poll.frequency = { interval, backoff: false, max: LOOK_MS };
    }
  }

  private _setSlow(slow: boolean): void {
    if (slow !== this._slow && !this._isDisposed) {
      this._slow = slow;
      this._stateChanged.emit(this._state);
    }
  }

  private readonly _heard = (_: unknown, event: Event.Emission): void => {
    if (event.schema_id === MOVED || event.schema_id === SCHEDULE) {
      this._heardAt = this._clock();
      this._moved.emit();
    }
  };

  /** Something else of the page did not get an answer. */
  private readonly _suspect = (): void => {
    if (this._state !== 'gone') {
      void this._poll.refresh();
    }
  };

  private _move(state: ConnectionState): void {
    this._state = state;
    this._stateChanged.emit(state);
  }

  private readonly _clock: () => number;
  private readonly _services: Services;
  private readonly _poll: Poll;
  private readonly _moved = new Signal<this, void>(this);
  private readonly _stateChanged = new Signal<this, ConnectionState>(this);
  private readonly _cameBack = new Signal<this, Comeback>(this);
  private _state: ConnectionState = 'connecting';
  private _slow = false;
  private _failed = 0;
  private _heardAt = 0;
  private _health: Health | undefined;
  private _firstVersion: string | undefined;
  private _failure: Refused | undefined;
  private _isDisposed = false;
}

function same(known: Health | undefined, health: Health): boolean {
  return JSON.stringify(known) === JSON.stringify(health);
}
