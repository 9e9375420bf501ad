import React, { type ReactElement, useRef, useState } from 'react';
import type { AblationGrid, TracePair } from '../../api/schema';
import { rowsOf } from '../../models/ablationGrid';
import { tasksSubject } from '../../models/ablationPlace';
import type { AblationRun, Ablations } from '../../models/ablations';
import { useView } from '../context';
import { useLoaded, useResource } from '../hooks';
import { Loaded } from '../notice';
import { Pair } from './pair';
import { Up } from './up';

interface IPairPage {
  model: Ablations;
  number: number;
  task: string;
}

/** One task, and what two arms did with it. */
export function PairPage({ model, number, task }: IPairPage): ReactElement {
  const { trans } = useView();
  const run = model.run(number);
  const report = useResource(run.report).value;
  const grid = useResource(run.grid).value;
  return (
    <>
      <Up label={trans.__('Task by task')} subject={tasksSubject(number)} />
      {grid && <Neighbours run={run} grid={grid} task={task} />}
      <Traces
        model={model}
        run={run}
        task={task}
        samples={report?.samples ?? 1}
      />
    </>
  );
}

interface INeighbours {
  run: AblationRun;
  grid: AblationGrid;
  task: string;
}

/** The task before and the one after, as the grid shows them. */
function Neighbours({ run, grid, task }: INeighbours): ReactElement | null {
  const { navigation, trans } = useView();
  const ids = rowsOf(grid, run.view.filter).map(
    index => grid.tasks[index]?.id ?? ''
  );
  const at = ids.indexOf(task);
  if (at < 0 || ids.length < 2) {
    return null;
  }
  const step = (by: number, label: string): ReactElement => {
    const id = ids[at + by];
    return (
      <button
        type="button"
        className="mc-button"
        disabled={id === undefined}
        onClick={() => {
          if (id !== undefined) {
            run.view.task = id;
            navigation.go('ablations', tasksSubject(run.number, id));
          }
        }}
      >
        {label}
      </button>
    );
  };
  return (
    <nav className="mc-buttons" aria-label={trans.__('Tasks')}>
      {step(-1, trans.__('‹ Previous'))}
      {step(1, trans.__('Next ›'))}
      <span className="mc-quiet">
        {trans.__('%1 of %2', at + 1, ids.length)}
      </span>
    </nav>
  );
}

interface ITraces {
  model: Ablations;
  run: AblationRun;
  task: string;
  samples: number;
}

function Traces({ model, run, task, samples }: ITraces): ReactElement {
  const { connection, trans } = useView();
  const [seed, setSeed] = useState<number>();
  const [sample, setSample] = useState(0);
  const { number } = run;
  const key = [number, task, seed ?? 'any', sample].join(' ');
  const pair = useLoaded(connection, key, api =>
    model.trace(api, number, task, seed, sample)
  );
  // The choice stays, and keeps the focus, while another attempt comes.
  const known = useRef<TracePair>();
  known.current = pair.value ?? known.current;
  const seeds = known.current?.seeds ?? [];
  return (
    <>
      <div className="mc-filters">
        {seeds.length > 1 && (
          <Choice
            label={trans.__('Seed')}
            values={seeds}
            value={seed ?? known.current?.seed ?? 0}
            choose={setSeed}
            tell={value => trans.__('seed %1', value)}
          />
        )}
        {samples > 1 && (
          <Choice
            label={trans.__('Attempt')}
            values={Array.from({ length: samples }, (_, index) => index)}
            value={sample}
            choose={setSample}
            tell={value => trans.__('attempt %1', value + 1)}
          />
        )}
      </div>
      <Loaded resource={pair}>
        {(found: TracePair) => <Pair pair={found} view={run.view} />}
      </Loaded>
    </>
  );
}

interface IChoice {
  label: string;
  values: readonly number[];
  value: number;
  choose: (value: number) => void;
  tell: (value: number) => string;
}

function Choice({ label, values, value, choose, tell }: IChoice): ReactElement {
  return (
    <select
      className="mc-field"
      aria-label={label}
      value={value}
      onChange={event => {
        choose(Number(event.target.value));
      }}
    >
      {values.map(one => (
        <option key={one} value={one}>
          {tell(one)}
        </option>
      ))}
    </select>
  );
}
