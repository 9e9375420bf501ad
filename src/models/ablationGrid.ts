import type { AblationGrid, Trace, TraceStep } from '../api/schema';

/** Which tasks are shown: all, those that the arms do differently, or those that one arm alone failed. */
export type GridFilter = 'all' | 'differ' | `only ${string}`;

/** Less than this is a failure, where only some of the attempts or checks held. */
const HALF = 0.5;

/** Values closer than this are the same. */
const ALIKE = 1e-9;

/** The tasks that a filter lets through, by their index in the grid. */
export function rowsOf(
  grid: AblationGrid,
  filter: GridFilter
): readonly number[] {
  const shows = showing(grid, filter);
  const rows: number[] = [];
  grid.values.forEach((values, index) => {
    if (shows(values)) {
      rows.push(index);
    }
  });
  return rows;
}

type Values = readonly (number | null)[];

function showing(
  grid: AblationGrid,
  filter: GridFilter
): (values: Values) => boolean {
  if (filter === 'all') {
    return () => true;
  }
  if (filter === 'differ') {
    return differs;
  }
  const arm = grid.arms.indexOf(filter.slice('only '.length));
  return values => failedAlone(values, arm);
}

function differs(values: Values): boolean {
  const known = values.filter(value => value !== null);
  const first = known[0];
  return (
    first !== undefined && known.some(value => Math.abs(value - first) > ALIKE)
  );
}

function failedAlone(values: Values, arm: number): boolean {
  const own = values[arm];
  const others = values.filter(
    (value, index) => index !== arm && value !== null
  );
  return (
    typeof own === 'number' &&
    own < HALF &&
    others.length > 0 &&
    others.every(value => value !== null && value >= HALF)
  );
}

/** How a value is told: wholly right, wholly wrong, in between, or not there. */
export type Mark = 'right' | 'wrong' | 'part' | 'none';

export function markOf(value: number | null): Mark {
  if (value === null) {
    return 'none';
  }
  if (value >= 1 - ALIKE) {
    return 'right';
  }
  return value <= ALIKE ? 'wrong' : 'part';
}

/** The sign of a value; what lies between is a circle that is filled as far. */
export function signOf(value: number | null): string {
  switch (markOf(value)) {
    case 'right':
      return '✓';
    case 'wrong':
      return '✗';
    case 'none':
      return '·';
    case 'part': {
      const part = value ?? 0;
      return part < 0.375 ? '◔' : part < 0.625 ? '◑' : '◕';
    }
  }
}

/** Where somebody is in a grid, kept while they look at a task. */
export interface IGridView {
  filter: GridFilter;
  /** How far the panel was scrolled, in pixels. */
  scrolled: number;
  /** The cell that the keys have reached: the task's id, and the column (0 is the task itself). */
  task: string | null;
  column: number;
  /** The arms that are looked at beside each other, where they were chosen. */
  arms: readonly [string, string] | null;
}

export function gridView(): IGridView {
  return { filter: 'all', scrolled: 0, task: null, column: 0, arms: null };
}

/** The two attempts that are looked at: those of the chosen arms, else the two that differ most. */
export function pairOf(
  attempts: readonly Trace[],
  arms: readonly [string, string] | null
): readonly [Trace | undefined, Trace | undefined] {
  const chosen = (arms ?? []).map(arm =>
    attempts.find(attempt => attempt.arm === arm)
  );
  if (chosen[0] && chosen[1]) {
    return [chosen[0], chosen[1]];
  }
  const sorted = [...attempts].sort(
    (one, other) => valueOf(one) - valueOf(other)
  );
  const worst = sorted[0];
  const best = sorted.at(-1);
  return worst && best && valueOf(worst) < valueOf(best)
    ? inOrder(attempts, worst, best)
    : [attempts[0], attempts[1]];
}

/** What an attempt was worth; nothing where that is not known. */
function valueOf(trace: Trace): number {
  return trace.value ?? 0;
}

function inOrder(
  attempts: readonly Trace[],
  one: Trace,
  other: Trace
): readonly [Trace, Trace] {
  return attempts.indexOf(one) < attempts.indexOf(other)
    ? [one, other]
    : [other, one];
}

/** The first step in which two attempts are not the same; null where there is none. */
export function differsAt(
  one: Trace | undefined,
  other: Trace | undefined
): number | null {
  if (!one || !other) {
    return null;
  }
  const steps = Math.max(one.steps.length, other.steps.length);
  for (let index = 0; index < steps; index++) {
    const [ours, theirs] = [one.steps[index], other.steps[index]];
    if (told(ours) !== told(theirs)) {
      return index + 1;
    }
  }
  return null;
}

/** What a step did, but for its time. */
function told(step: TraceStep | undefined): string {
  return step
    ? JSON.stringify([
        step.action || step.reply,
        step.stdout,
        step.stderr,
        step.result,
        step.error
      ])
    : '';
}
