import React, {
  type KeyboardEvent,
  type ReactElement,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';
import type { Scores } from '../../models/scores';
import { CELL_MAGIC } from '../../tokens';
import { useView } from '../context';
import { useSignal } from '../hooks';
import { Empty, Trouble } from '../notice';
import { usePanel } from './panel';
import { type ISeenRows, useSeenRows } from './seenRows';
import { Task } from './task';

/** The height of a task in pixels, as the style sheet has it. */
export const ROW = 46;

const OVERSCAN = 6;
const PAGE_KEY = 10;

interface ITasks {
  scores: Scores;
  /** All that is in the panel: where it grows, the list moves. */
  whole: RefObject<HTMLElement | null>;
}

/** The tasks, the newest first. Only those that are seen are in the page. */
export function Tasks({ scores, whole }: ITasks): ReactElement {
  const { trans } = useView();
  const { tasks } = scores;
  useSignal(tasks.changed);
  useEffect(() => {
    const watching = tasks.watch();
    return () => {
      watching.dispose();
    };
  }, [tasks]);
  return (
    <section>
      <h3 className="mc-title" id="mc-tasks-title">
        {trans.__('Tasks')}
      </h3>
      {tasks.failure && <Trouble error={tasks.failure} />}
      {tasks.rows.length > 0 && <List scores={scores} whole={whole} />}
      {tasks.rows.length === 0 && tasks.known && <Nothing scores={scores} />}
      <p className="mc-waiting mc-scored-loading" role="status">
        {tasks.loading && (tasks.hasMore || !tasks.known)
          ? trans.__('Loading…')
          : ''}
      </p>
    </section>
  );
}

function Nothing({ scores }: { scores: Scores }): ReactElement {
  const { trans } = useView();
  return Object.keys(scores.tasks.filter).length > 0 ? (
    <Empty title={trans.__('No such task')}>
      <p>{trans.__('No task is of all that was chosen above.')}</p>
    </Empty>
  ) : (
    <Empty title={trans.__('No task yet')}>
      <p>
        {trans.__(
          'Begin a notebook cell with %1 and say what is to be done: it is listed here with its steps and scores.',
          CELL_MAGIC
        )}
      </p>
    </Empty>
  );
}

function List({ scores, whole }: ITasks): ReactElement {
  const { rows, hasMore } = scores.tasks;
  const list = useRef<HTMLUListElement>(null);
  const panel = usePanel(list);
  const margin = useMargin(list, panel, whole);
  const [reached, reach] = useState(Infinity);
  const [wanted, setWanted] = useState<number | null>(null);
  const active = scores.tasks.indexOf(reached);

  useKeptPlace(scores, panel, margin, rows[0]?.number);
  const seen = useSeenRows(panel, margin, ROW);
  const first = Math.min(seen.first, rows.length - 1);
  const last = Math.max(0, Math.min(seen.last, rows.length - 1));

  useEffect(() => {
    scores.tasks.see(first, last);
  }, [scores, first, last, rows.length]);
  useEffect(() => {
    if (wanted !== null) {
      buttonAt(list.current, wanted)?.focus();
      setWanted(null);
    }
  }, [wanted]);

  const move = (event: KeyboardEvent): void => {
    const next = nextOf(event.key, active, rows.length);
    if (next !== undefined) {
      event.preventDefault();
      reach(rows[next]?.number ?? Infinity);
      setWanted(next);
    }
  };
  return (
    <ul
      ref={list}
      className="mc-scored-list"
      role="list"
      aria-labelledby="mc-tasks-title"
      style={{ height: rows.length * ROW }}
      onKeyDown={move}
    >
      {drawnRows({ first, last }, active, rows.length).map(index => {
        const row = rows[index];
        return (
          row && (
            <li
              key={row.number}
              data-index={index}
              aria-posinset={index + 1}
              aria-setsize={hasMore ? -1 : rows.length}
              style={{ transform: `translateY(${String(index * ROW)}px)` }}
            >
              <Task row={row} reached={index === active} reach={reach} />
            </li>
          )
        );
      })}
    </ul>
  );
}

/** Which rows are in the page: some more than are seen, and the one that the keys have reached, so that it can keep the focus. */
function drawnRows(
  { first, last }: ISeenRows,
  active: number,
  count: number
): number[] {
  const from = Math.max(0, first - OVERSCAN);
  const to = Math.min(count - 1, last + OVERSCAN);
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

function buttonAt(list: HTMLElement | null, index: number): HTMLElement | null {
  return (
    list?.querySelector<HTMLElement>(
      `[data-index="${String(index)}"] button`
    ) ?? null
  );
}

/** The index of the task that a key goes to; undefined where it goes to none. */
function nextOf(key: string, at: number, count: number): number | undefined {
  const steps: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + PAGE_KEY,
    PageUp: at - PAGE_KEY,
    Home: 0,
    End: count - 1
  };
  const next = steps[key];
  return next === undefined
    ? undefined
    : Math.min(count - 1, Math.max(0, next));
}

/** How far under the top of the panel the list begins. */
export function useMargin(
  list: RefObject<HTMLElement | null>,
  panel: HTMLElement | null,
  whole: RefObject<HTMLElement | null>
): number {
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => {
    const measure = (): void => {
      if (list.current && panel) {
        const top = list.current.getBoundingClientRect().top;
        setMargin(
          Math.round(top - panel.getBoundingClientRect().top + panel.scrollTop)
        );
      }
    };
    measure();
    const observer = new ResizeObserver(measure);
    if (whole.current) {
      observer.observe(whole.current);
    }
    return () => {
      observer.disconnect();
    };
  }, [list, panel, whole]);
  return margin;
}

/** Go back to where one was in the list, and stay at what one looks at when newer tasks come over it. */
function useKeptPlace(
  scores: Scores,
  panel: HTMLElement | null,
  margin: number,
  newest: number | undefined
): void {
  const known = useRef(newest);
  useLayoutEffect(() => {
    if (!panel) {
      return;
    }
    panel.scrollTop = scores.scrolled;
    const keep = (): void => {
      scores.scrolled = panel.scrollTop;
    };
    panel.addEventListener('scroll', keep, { passive: true });
    return () => {
      panel.removeEventListener('scroll', keep);
    };
  }, [scores, panel]);
  useLayoutEffect(() => {
    const before = known.current;
    known.current = newest;
    if (panel && before !== undefined && panel.scrollTop > margin) {
      const added = scores.tasks.rows.findIndex(row => row.number <= before);
      panel.scrollTop += Math.max(0, added) * ROW;
    }
  }, [scores, panel, margin, newest]);
}
