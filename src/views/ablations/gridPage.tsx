import React, { type ReactElement, useMemo, useReducer, useRef } from 'react';
import type { AblationGrid } from '../../api/schema';
import { type GridFilter, rowsOf } from '../../models/ablationGrid';
import { runSubject } from '../../models/ablationPlace';
import type { AblationRun, Ablations } from '../../models/ablations';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Empty, Loaded } from '../notice';
import { Grid } from './grid';
import { Up } from './up';

interface IGridPage {
  model: Ablations;
  number: number;
}

/** Every task by every arm. */
export function GridPage({ model, number }: IGridPage): ReactElement {
  const { trans } = useView();
  const whole = useRef<HTMLDivElement>(null);
  const run = model.run(number);
  const grid = useResource(run.grid);
  return (
    <div ref={whole} className="mc-grid-page">
      <Up
        label={trans.__('Ablation %1', number)}
        subject={runSubject(number)}
      />
      <h3 className="mc-title" id="mc-grid-title">
        {trans.__('Task by task')}
      </h3>
      <Loaded resource={grid}>
        {found => <Filtered run={run} grid={found} whole={whole} />}
      </Loaded>
    </div>
  );
}

interface IFiltered {
  run: AblationRun;
  grid: AblationGrid;
  whole: React.RefObject<HTMLElement>;
}

function Filtered({ run, grid, whole }: IFiltered): ReactElement {
  const { trans } = useView();
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const { view } = run;
  const rows = useMemo(() => rowsOf(grid, view.filter), [grid, view.filter]);
  return (
    <>
      <div className="mc-filters">
        <select
          className="mc-field"
          aria-label={trans.__('Which tasks')}
          value={view.filter}
          onChange={event => {
            view.filter = event.target.value as GridFilter;
            view.scrolled = 0;
            draw();
          }}
        >
          <option value="all">{trans.__('All tasks')}</option>
          <option value="differ">{trans.__('Where the arms differ')}</option>
          {grid.arms.map(arm => (
            <option key={arm} value={`only ${arm}`}>
              {trans.__('Only %1 failed', arm)}
            </option>
          ))}
        </select>
        <span className="mc-quiet" role="status">
          {rows.length === grid.tasks.length
            ? trans._n('%1 task', '%1 tasks', rows.length)
            : trans.__('%1 of %2 tasks', rows.length, grid.tasks.length)}
        </span>
      </div>
      {rows.length === 0 ? (
        <Empty
          title={
            grid.tasks.length === 0
              ? trans.__('No task was attempted yet')
              : trans.__('No such task')
          }
        />
      ) : (
        <>
          <p className="mc-quiet mc-grid-key">
            {trans.__(
              '✓ right, ✗ wrong, ◔ ◑ ◕ in between, · not attempted. Enter opens a task.'
            )}
          </p>
          <Grid run={run} grid={grid} rows={rows} whole={whole} />
        </>
      )}
    </>
  );
}
