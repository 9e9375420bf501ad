import { answer } from '../api/client';
import type {
  AdapterAccount,
  RunRow,
  TrainingAccount,
  Window
} from '../api/schema';
import { AdapterChanges } from './adapters';
import type { Connection } from './connection';
import { Pages, pageOf } from './pages';
import { Resource } from './resource';

export const PAGE_SIZE = 10;

/** What a person may wish of a run that waits; to train and to stop is offered everywhere. */
export type TrainingWish = 'resume' | 'abandon';

/** The wishes that can be granted as training stands; the first is the one that matters most. */
export function wishesOf(account: TrainingAccount): readonly TrainingWish[] {
  return account.run !== null && account.pid === null
    ? ['resume', 'abandon']
    : [];
}

/** What a page knows of training, kept over tabs that open and close. */
export class TrainingModel {
  constructor(private readonly _connection: Connection) {
    this.account = new Resource(_connection, api =>
      answer(api.GET('/training', { params: { query: { recent: 1 } } }))
    );
    this.runs = new Pages(_connection, async (api, before) => {
      const query = { limit: PAGE_SIZE, ...under(before) };
      const { runs, next } = await answer(
        api.GET('/training/runs', { params: { query } })
      );
      return { rows: runs, next };
    });
    this.adapters = new Pages(_connection, async (api, before) => {
      const query = { limit: PAGE_SIZE + 1, ...under(before) };
      const { adapters } = await answer(
        api.GET('/adapters', { params: { query } })
      );
      return pageOf(adapters, PAGE_SIZE, ({ version }) => version);
    });
    this.windows = new Pages(_connection, async (api, before) => {
      const query = { limit: PAGE_SIZE + 1, ...under(before) };
      const { windows } = await answer(
        api.GET('/windows', { params: { query } })
      );
      return pageOf(windows, PAGE_SIZE, ({ number }) => number);
    });
    this.changes = new AdapterChanges(_connection);
    this.changes.done.connect(() => {
      void this.account.refresh();
      void this.adapters.page.refresh();
    });
  }

  /** How training stands: the run that is not over, or the one before. */
  readonly account: Resource<TrainingAccount>;
  readonly runs: Pages<RunRow>;
  readonly adapters: Pages<AdapterAccount>;
  readonly windows: Pages<Window>;
  readonly changes: AdapterChanges;

  /** Go on with the run that waits, or give it up; what came of it, in a sentence. Rejects with Refused, Unreachable. */
  async wish(what: TrainingWish): Promise<string> {
    const { api } = this._connection;
    try {
      const { told } =
        what === 'resume'
          ? await answer(api.POST('/training/resume'))
          : await answer(api.POST('/training/abandon'));
      return told;
    } finally {
      void this.account.refresh();
      void this.runs.page.refresh();
    }
  }
}

const MODELS = new WeakMap<Connection, TrainingModel>();

/** The one model of a connection. */
export function trainingOf(connection: Connection): TrainingModel {
  const known = MODELS.get(connection);
  if (known) {
    return known;
  }
  const made = new TrainingModel(connection);
  MODELS.set(connection, made);
  return made;
}

function under(before: number | undefined): { before?: number } {
  return before === undefined ? {} : { before };
}
