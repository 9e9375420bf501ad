import { type Api, answer } from '../api/client';
import { AblationDraft } from './ablationDraft';
import { gridView, type IGridView } from './ablationGrid';
import type {
  AblationChoices,
  AblationReport,
  Planned,
  AblationRow,
  AblationGrid,
  TracePair
} from '../api/schema';
import type { Connection } from './connection';
import { Pages } from './pages';
import { Resource } from './resource';

/** What a run can be handed on as. */
export type ExportKind = 'ipynb' | 'csv' | 'json' | 'vega';

/** So many runs are listed at once. */
export const PAGE_SIZE = 12;

/** How many runs are kept ready to be shown at once. */
const KEPT = 6;

/** A run that is looked at: what came of it, and where one is in its grid. */
export class AblationRun {
  constructor(connection: Connection, number: number) {
    this.number = number;
    const params = { path: { number: String(number) } };
    this.report = new Resource<AblationReport>(connection, api =>
      answer(api.GET('/ablations/{number}', { params })).then(asReport)
    );
    this.grid = new Resource<AblationGrid>(connection, api =>
      answer(api.GET('/ablations/{number}/grid', { params }))
    );
  }

  readonly number: number;
  readonly report: Resource<AblationReport>;
  readonly grid: Resource<AblationGrid>;
  readonly view: IGridView = gridView();
}

/** What a page knows of ablations, kept over tabs that open and close. */
export class Ablations {
  constructor(private readonly _connection: Connection) {
    this.runs = new Pages(_connection, async (api, before) => {
      const query = {
        limit: PAGE_SIZE,
        ...(before === undefined ? {} : { before })
      };
      const { runs, next } = await answer(
        api.GET('/ablations', { params: { query } })
      );
      return { rows: runs, next };
    });
    this.options = new Resource<AblationChoices>(_connection, api =>
      answer(api.GET('/ablations/options'))
    );
  }

  /** The runs, the newest first. */
  readonly runs: Pages<AblationRow>;
  readonly options: Resource<AblationChoices>;
  readonly draft = new AblationDraft();

  /** A run; the same one for all who ask, while it is not forgotten over others. */
  run(number: number): AblationRun {
    const found =
      this._known.get(number) ?? new AblationRun(this._connection, number);
    this._known.delete(number);
    this._known.set(number, found);
    for (const old of this._known.keys()) {
      if (this._known.size <= KEPT) {
        break;
      }
      this._known.delete(old);
    }
    return found;
  }

  /** Begin an ablation; its number. Rejects with Refused, Unreachable. */
  async start(request: Planned): Promise<number> {
    const { number } = await answer(
      this._connection.api.POST('/ablations', { body: request })
    );
    void this.runs.page.refresh();
    return number;
  }

  /** Have a run stop where it is: it can go on later. */
  async stop(number: number): Promise<void> {
    await this._change(number, api =>
      answer(api.POST('/ablations/{number}/stop', paramsOf(number)))
    );
  }

  /** Go on with a run. */
  async resume(number: number): Promise<void> {
    await this._change(number, api =>
      answer(api.POST('/ablations/{number}/resume', paramsOf(number)))
    );
  }

  /** Delete a run with its results. */
  async remove(number: number): Promise<void> {
    await answer(
      this._connection.api.DELETE('/ablations/{number}', paramsOf(number))
    );
    this._known.delete(number);
    void this.runs.page.refresh();
  }

  /** One task of a run, and what each arm did with it: with one seed, or the first that it was attempted with. */
  trace(
    api: Api,
    number: number,
    task: string,
    seed: number | undefined,
    sample: number
  ): Promise<TracePair> {
    const params = {
      path: { number: String(number), task },
      query: { sample, ...(seed === undefined ? {} : { seed }) }
    };
    return answer(api.GET('/ablations/{number}/tasks/{task}', { params }));
  }

  /** A run as a file. */
  file(number: number, kind: ExportKind): Promise<Blob> {
    const params = { path: { number: String(number) }, query: { kind } };
    return answer(
      this._connection.api.GET('/ablations/{number}/export', {
        params,
        parseAs: 'blob'
      })
    );
  }

  private async _change(
    number: number,
    act: (api: Api) => Promise<unknown>
  ): Promise<void> {
    try {
      await act(this._connection.api);
    } finally {
      void this.runs.page.refresh();
      void this.run(number).report.refresh();
    }
  }

  private readonly _known = new Map<number, AblationRun>();
}

const MODELS = new WeakMap<Connection, Ablations>();

/** The ablations of a server, the same ones for all who ask. */
export function ablationsOf(connection: Connection): Ablations {
  let found = MODELS.get(connection);
  if (!found) {
    found = new Ablations(connection);
    MODELS.set(connection, found);
  }
  return found;
}

/** The client takes a pair of bounds for a list of any length. */
function asReport(report: unknown): AblationReport {
  return report as AblationReport;
}

function paramsOf(number: number): { params: { path: { number: string } } } {
  return { params: { path: { number: String(number) } } };
}
