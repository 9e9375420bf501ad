import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';
import { answer } from '../api/client';
import type { View } from '../api/schema';
import type { Connection } from './connection';
import { moment } from './moment';
import type { Overview } from './overview';

/** What came of an act, in a sentence; and how it is taken back, where it can be. */
export interface IOutcome {
  told: string;
  undo?: () => Promise<IOutcome>;
}

/** What a user may do to the training of the home. */
export type Act = 'train' | 'stop' | 'pause' | 'resume';

/** Trains, stops, pauses: what the user wants, and what came of it. */
export class Steering {
  /** `clock` gives seconds since the epoch. */
  constructor(
    private readonly _connection: Connection,
    private readonly _overview: Overview,
    private readonly _trans: TranslationBundle,
    private readonly _clock: () => number = () => Date.now() / 1000
  ) {}

  /** What is being done now; undefined where nothing is. */
  get doing(): Act | undefined {
    return this._doing;
  }

  /** `doing` is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether something trains; undefined where that is not known. */
  get trains(): boolean | undefined {
    const view = this._overview.schedule.value?.view;
    return view ? view.conducting !== null : undefined;
  }

  /** Whether the user has paused it; undefined where that is not known. */
  get paused(): boolean | undefined {
    const schedule = this._overview.schedule.value;
    return schedule ? schedule.pause !== null : undefined;
  }

  /** Whether an act makes sense now. What is not known is tried: the server says what is wrong. */
  allows(act: Act): boolean {
    if (this._connection.state !== 'open' || this._doing !== undefined) {
      return false;
    }
    switch (act) {
      case 'train':
        return this.trains !== true;
      case 'stop':
        return this.trains !== false;
      case 'pause':
        return this.paused !== true;
      case 'resume':
        return this.paused !== false;
    }
  }

  /** Train now, whatever the user does meanwhile. Rejects with Refused, Unreachable. */
  trainNow(): Promise<IOutcome> {
    return this._do('train', async () => {
      const { told } = await answer(
        this._connection.api.POST('/training/start', {
          body: { steps: null, seed: null }
        })
      );
      return { told, undo: () => this.stop() };
    });
  }

  /** Stop what trains, so that it can go on later. Rejects with Refused, Unreachable. */
  stop(): Promise<IOutcome> {
    return this._do('stop', async () => {
      const { told, stopped, run } = await answer(
        this._connection.api.POST('/training/stop')
      );
      return stopped && run !== null
        ? { told, undo: () => this._goOn() }
        : { told };
    });
  }

  /** Train nothing by itself, for so many minutes or until that is taken back. Rejects with Refused, Unreachable. */
  pause(minutes?: number): Promise<IOutcome> {
    return this._do('pause', async () => {
      const view = await answer(
        this._connection.api.POST('/scheduler/pause', {
          body: { minutes: minutes ?? null }
        })
      );
      this._see(view);
      const until = view.pause?.until;
      const told =
        typeof until === 'number'
          ? this._trans.__(
              'Nothing is trained by itself until %1.',
              moment(until, this._clock())
            )
          : this._trans.__('Nothing is trained by itself until you resume it.');
      return { told, undo: () => this.resume() };
    });
  }

  /** Take the pause back. Rejects with Refused, Unreachable. */
  resume(): Promise<IOutcome> {
    const until = this._overview.schedule.value?.pause?.until ?? undefined;
    return this._do('resume', async () => {
      this._see(await answer(this._connection.api.POST('/scheduler/unpause')));
      return {
        told: this._trans.__(
          'The pause is over: it trains again when nobody works.'
        ),
        undo: () => this.pause(this._left(until))
      };
    });
  }

  /** Go on with the training that was stopped. */
  private _goOn(): Promise<IOutcome> {
    return this._do('train', async () => {
      const { told } = await answer(
        this._connection.api.POST('/training/resume')
      );
      return { told, undo: () => this.stop() };
    });
  }

  private _left(until: number | undefined): number | undefined {
    return until === undefined
      ? undefined
      : Math.max(1, (until - this._clock()) / 60);
  }

  private async _do(
    act: Act,
    doing: () => Promise<IOutcome>
  ): Promise<IOutcome> {
    this._doing = act;
    this._changed.emit();
    try {
      const outcome = await doing();
      this._connection.note();
      return outcome;
    } catch (error) {
      this._connection.note(error);
      throw error;
    } finally {
      this._doing = undefined;
      this._changed.emit();
      void this._overview.schedule.refresh();
      void this._overview.training.refresh();
    }
  }

  /** Show what the answer to an act has told, before it is asked for. */
  private _see(view: View): void {
    const schedule = this._overview.schedule.value;
    if (schedule) {
      this._overview.schedule.put({
        ...schedule,
        view,
        pause: view.pause,
        sentence: view.sentence
      });
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _doing: Act | undefined;
}
