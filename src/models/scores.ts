import { answer } from '../api/client';
import type {
  Score,
  TaskFacets,
  TaskRow,
  Trend,
  Unscored
} from '../api/schema';
import type { Connection } from './connection';
import { Resource } from './resource';
import { type ITaskFilter, TaskList } from './taskList';

/** The tasks, by what they can be narrowed, and whether it gets better: what is narrowed stays so while one looks elsewhere. */
export class Scores {
  constructor(connection: Connection) {
    this.tasks = new TaskList(connection);
    this.facets = new Resource(connection, api =>
      answer(api.GET('/tasks/facets'))
    );
    this.trend = new Resource(connection, api => {
      // A generation alone shows no trend.
      const { notebook, skill } = this.tasks.filter;
      const query = {
        ...(notebook === undefined ? {} : { notebook }),
        ...(skill === undefined ? {} : { skill })
      };
      return answer(api.GET('/trend', { params: { query } }));
    });
  }

  readonly tasks: TaskList;
  readonly facets: Resource<TaskFacets>;
  readonly trend: Resource<Trend>;

  /** How far the list was scrolled, in pixels. */
  scrolled = 0;

  /** Show the tasks of one notebook, skill or generation. */
  narrow(filter: ITaskFilter): void {
    this.scrolled = 0;
    void this.tasks.narrow(filter);
    void this.trend.refresh();
  }
}

/** The scores of a server, the same ones for all who ask. */
export function scoresOf(connection: Connection): Scores {
  let found = KNOWN.get(connection);
  if (!found) {
    found = new Scores(connection);
    KNOWN.set(connection, found);
  }
  return found;
}

const KNOWN = new WeakMap<Connection, Scores>();

type Scoring = Score | Unscored | null;

/** The value of a score; null where there is none. */
export function valueOf(score: Scoring): number | null {
  return score && 'value' in score ? score.value : null;
}

/** How a task went, as a sign tells it. */
export type Outcome = 'open' | 'right' | 'wrong' | 'ended';

const ENDED: ReadonlySet<string> = new Set([
  'cancelled',
  'expired',
  'interrupted'
]);

/** How a task went: the user's word, else its end, and its score where that says otherwise. */
export function outcomeOf(
  task: Pick<TaskRow, 'stop' | 'score' | 'said'>
): Outcome {
  if (task.said) {
    return task.said === 'good' ? 'right' : 'wrong';
  }
  if (task.stop === null) {
    return 'open';
  }
  if (ENDED.has(task.stop)) {
    return 'ended';
  }
  const value = valueOf(task.score);
  return task.stop === 'done' && (value === null || value >= 0)
    ? 'right'
    : 'wrong';
}

/** The user's word on a task, where its score is one. */
export function wordOf(score: Scoring): 'good' | 'bad' | null {
  if (!score || !('value' in score) || score.source !== 'user') {
    return null;
  }
  return (score.value ?? 0) > 0 ? 'good' : 'bad';
}

/** A score as it is written: `+1.00`, `−0.30`. */
export function signed(value: number): string {
  const digits = Math.abs(value).toFixed(2);
  return Number(digits) === 0 ? '0.00' : `${value < 0 ? '−' : '+'}${digits}`;
}
