import React, {
  type KeyboardEvent,
  type ReactElement,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useReducer,
  useRef
} from 'react';
import type { AblationGrid, GridTask } from '../../api/schema';
import { markOf, signOf } from '../../models/ablationGrid';
import { tasksSubject } from '../../models/ablationPlace';
import type { AblationRun } from '../../models/ablations';
import { useView } from '../context';
import { usePanel } from '../scores/panel';
import { useSeenRows } from '../scores/seenRows';
import { useMargin } from '../scores/tasks';
import { valueInWords } from './words';

/** The height of a row in pixels, as the style sheet has it. */
export const ROW = 26;

const OVERSCAN = 10;
const PAGE_KEY = 15;

interface IGrid {
  run: AblationRun;
  grid: AblationGrid;
  /** The tasks that are shown, by their index in the grid. */
  rows: readonly number[];
  /** All that is in the panel: where it grows, the grid moves. */
  whole: RefObject<HTMLElement | null>;
}

/** Tasks by arms. Only the rows that are seen are in the page; the arrows lead through all of them. */
export function Grid({ run, grid, rows, whole }: IGrid): ReactElement {
  const { navigation } = useView();
  const { view } = run;
  const body = useRef<HTMLDivElement>(null);
  const panel = usePanel(body);
  const margin = useMargin(body, panel, whole);
  const seen = useSeenRows(panel, margin, ROW);
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const wanted = useRef(false);
  const active = activeRow(grid, rows, view.task);
  useKeptPlace(run, panel, rows);

  useLayoutEffect(() => {
    if (wanted.current) {
      wanted.current = false;
      body.current
        ?.querySelector<HTMLElement>('[tabindex="0"]')
        ?.focus({ preventScroll: false });
    }
  });
  const reach = (row: number, column: number): void => {
    view.task = grid.tasks[rows[row] ?? -1]?.id ?? null;
    view.column = column;
    draw();
  };
  const open = (row: number): void => {
    const task = grid.tasks[rows[row] ?? -1];
    if (task) {
      navigation.go('ablations', tasksSubject(run.number, task.id));
    }
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      open(active);
      return;
    }
    const next = nextOf(event, active, view.column, {
      rows: rows.length,
      columns: grid.arms.length + 1
    });
    if (next) {
      event.preventDefault();
      wanted.current = true;
      reach(...next);
    }
  };
  return (
    <div
      role="grid"
      className="mc-grid"
      aria-labelledby="mc-grid-title"
      aria-rowcount={rows.length + 1}
      aria-colcount={grid.arms.length + 1}
      style={{ '--mc-arms': String(grid.arms.length) } as React.CSSProperties}
      onKeyDown={press}
    >
      <Head arms={grid.arms} />
      <div
        ref={body}
        role="rowgroup"
        className="mc-grid-body"
        style={{ height: rows.length * ROW }}
      >
        {drawnRows(seen.first, seen.last, active, rows.length).map(row => {
          const index = rows[row] ?? -1;
          const task = grid.tasks[index];
          return (
            task && (
              <Row
                key={task.id}
                row={row}
                task={task}
                arms={grid.arms}
                values={grid.values[index] ?? []}
                column={row === active ? view.column : null}
                reach={reach}
                open={open}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

function Head({ arms }: { arms: readonly string[] }): ReactElement {
  const { trans } = useView();
  return (
    <div role="rowgroup" className="mc-grid-head">
      <div role="row" aria-rowindex={1} className="mc-grid-row">
        <span role="columnheader">{trans.__('Task')}</span>
        {arms.map(arm => (
          <span
            key={arm}
            role="columnheader"
            className="mc-grid-arm"
            title={arm}
          >
            <span>{arm}</span>
          </span>
        ))}
      </div>
    </div>
  );
}

interface IRow {
  row: number;
  task: GridTask;
  arms: readonly string[];
  values: readonly (number | null)[];
  /** The column that the keys have reached; null where they are in another row. */
  column: number | null;
  reach: (row: number, column: number) => void;
  open: (row: number) => void;
}

function Row({
  row,
  task,
  arms,
  values,
  column,
  reach,
  open
}: IRow): ReactElement {
  const { trans } = useView();
  const cell = (
    index: number
  ): Pick<
    React.HTMLAttributes<HTMLElement>,
    'tabIndex' | 'onClick' | 'onFocus'
  > => ({
    tabIndex: column === index ? 0 : -1,
    onClick: () => {
      reach(row, index);
      open(row);
    },
    onFocus: () => {
      if (column !== index) {
        reach(row, index);
      }
    }
  });
  const day = task.day === null ? '' : trans.__('day %1: ', task.day);
  return (
    <div
      role="row"
      aria-rowindex={row + 2}
      className="mc-grid-row mc-grid-task"
      style={{ transform: `translateY(${String(row * ROW)}px)` }}
    >
      <span
        role="rowheader"
        className="mc-grid-title"
        title={`${day}${task.title}`}
        dir="auto"
        {...cell(0)}
      >
        {day && <span className="mc-quiet">{day}</span>}
        {task.title}
      </span>
      {arms.map((arm, index) => {
        const value = values[index] ?? null;
        const words = `${arm}: ${valueInWords(value, trans)}`;
        return (
          <span
            key={arm}
            role="gridcell"
            className={`mc-grid-cell mc-grid-${markOf(value)}`}
            aria-label={words}
            title={words}
            {...cell(index + 1)}
          >
            {signOf(value)}
          </span>
        );
      })}
    </div>
  );
}

/** Which rows are in the page: some more than are seen, and the one that has the focus. */
function drawnRows(
  first: number,
  last: number,
  active: number,
  count: number
): number[] {
  const from = Math.max(0, Math.min(first, count - 1) - OVERSCAN);
  const to = Math.min(count - 1, Math.max(0, last) + OVERSCAN);
  const drawn = Array.from(
    { length: Math.max(0, to - from + 1) },
    (_, place) => from + place
  );
  if (active < from) {
    drawn.unshift(active);
  } else if (active > to) {
    drawn.push(active);
  }
  return drawn;
}

/** The row that the keys have reached; the first where its task is not shown. */
function activeRow(
  grid: AblationGrid,
  rows: readonly number[],
  task: string | null
): number {
  return task === null
    ? 0
    : Math.max(
        0,
        rows.findIndex(index => grid.tasks[index]?.id === task)
      );
}

/** Row and column that a key leads to; undefined where it leads to none. */
function nextOf(
  { key, ctrlKey }: KeyboardEvent,
  row: number,
  column: number,
  size: { rows: number; columns: number }
): [number, number] | undefined {
  const steps: Record<string, [number, number]> = {
    ArrowDown: [row + 1, column],
    ArrowUp: [row - 1, column],
    ArrowRight: [row, column + 1],
    ArrowLeft: [row, column - 1],
    PageDown: [row + PAGE_KEY, column],
    PageUp: [row - PAGE_KEY, column],
    Home: [ctrlKey ? 0 : row, 0],
    End: [ctrlKey ? size.rows - 1 : row, size.columns - 1]
  };
  const next = steps[key];
  return (
    next && [
      Math.min(size.rows - 1, Math.max(0, next[0])),
      Math.min(size.columns - 1, Math.max(0, next[1]))
    ]
  );
}

/** Go back to where one was in the grid; where other tasks are chosen, begin at their top. */
function useKeptPlace(
  { view }: AblationRun,
  panel: HTMLElement | null,
  rows: readonly number[]
): void {
  const { filter } = view;
  const known = rows.length > 0;
  useLayoutEffect(() => {
    if (panel && known) {
      panel.scrollTop = view.scrolled;
    }
  }, [view, panel, filter, known]);
  useEffect(() => {
    if (!panel) {
      return;
    }
    const keep = (): void => {
      view.scrolled = panel.scrollTop;
    };
    panel.addEventListener('scroll', keep, { passive: true });
    return () => {
      panel.removeEventListener('scroll', keep);
    };
  }, [view, panel]);
}
