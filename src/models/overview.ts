import { answer } from '../api/client';
import type {
  Schedule,
  SettingList,
  Status,
  TaskPage,
  TrainingAccount,
  Trend
} from '../api/schema';
import type { Connection } from './connection';
import { Resource } from './resource';

/** How many of the newest tasks are shown at a glance. */
export const LAST_TASKS = 6;

/** What the scheduler says changes with time alone. */
const SCHEDULE_MS = 10_000;

const BATCH = 'scheduler.min_batch';

/** What there is to know at a glance, shared by all who show it. */
export class Overview {
  constructor(connection: Connection) {
    this.status = new Resource(connection, api => answer(api.GET('/status')));
    this.schedule = new Resource(
      connection,
      api => answer(api.GET('/scheduler')),
      SCHEDULE_MS
    );
    this.training = new Resource(connection, api =>
      answer(api.GET('/training', { params: { query: { recent: 1 } } }))
    );
    this.tasks = new Resource(connection, api =>
      answer(api.GET('/tasks', { params: { query: { limit: LAST_TASKS } } }))
    );
    this.trend = new Resource(connection, api => answer(api.GET('/trend')));
    this.settings = new Resource(connection, api =>
      answer(api.GET('/settings'))
    );
  }

  readonly status: Resource<Status>;
  readonly schedule: Resource<Schedule>;
  readonly training: Resource<TrainingAccount>;
  readonly tasks: Resource<TaskPage>;
  readonly trend: Resource<Trend>;
  readonly settings: Resource<SettingList>;

  /** How many waiting tasks a training begins with; undefined until that is known. */
  get batch(): number | undefined {
    const found = this.settings.value?.settings.find(
      ({ key }) => key === BATCH
    );
    return typeof found?.value === 'number' ? found.value : undefined;
  }
}
