import React, { type ReactElement, useId, useReducer } from 'react';
import type { Trace, TraceCheck, TracePair } from '../../api/schema';
import {
  differsAt,
  type IGridView,
  markOf,
  pairOf,
  signOf
} from '../../models/ablationGrid';
import { useView } from '../context';
import { TraceSteps } from './traceSteps';
import { valueInWords } from './words';

interface IPair {
  pair: TracePair;
  view: IGridView;
}

const SIDES = [0, 1] as const;

/** What two arms did with a task, side by side where there is room for it. */
export function Pair({ pair, view }: IPair): ReactElement {
  const { trans } = useView();
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const shown = pairOf(pair.attempts, view.arms);
  const differs = differsAt(shown[0], shown[1]);
  const choose = (side: 0 | 1, arm: string): void => {
    const arms: [string, string] = [shown[0]?.arm ?? '', shown[1]?.arm ?? ''];
    // An arm beside itself tells nothing: they change places.
    if (arms[1 - side] === arm) {
      arms.reverse();
    } else {
      arms[side] = arm;
    }
    view.arms = arms;
    draw();
  };
  return (
    <article aria-label={trans.__('A task, and what two arms did with it')}>
      <h3 className="mc-title mc-trace-task" dir="auto" tabIndex={0}>
        {pair.task || pair.id}
      </h3>
      <p className="mc-quiet">
        {differs === null
          ? trans.__('Both did the same.')
          : trans.__('They differ from step %1 on.', differs)}
      </p>
      <div className="mc-pair">
        {SIDES.map(side => {
          const trace = shown[side];
          return (
            trace && (
              <Side
                key={side}
                trace={trace}
                pair={pair}
                differs={differs}
                label={side === 0 ? trans.__('Left') : trans.__('Right')}
                choose={arm => {
                  choose(side, arm);
                }}
              />
            )
          );
        })}
      </div>
    </article>
  );
}

interface ISide {
  trace: Trace;
  pair: TracePair;
  differs: number | null;
  label: string;
  choose: (arm: string) => void;
}

function Side({ trace, pair, differs, label, choose }: ISide): ReactElement {
  const { trans } = useView();
  const head = useId();
  const value = valueInWords(trace.value, trans);
  return (
    <section
      className={`mc-pair-side mc-pair-${markOf(trace.value)}${
        differs === null ? '' : ' mc-pair-differs'
      }`}
      aria-labelledby={head}
    >
      <div className="mc-pair-head">
        <select
          className="mc-field"
          aria-label={trans.__('Arm, %1', label)}
          value={trace.arm}
          onChange={event => {
            choose(event.target.value);
          }}
        >
          {pair.attempts.map(({ arm }) => (
            <option key={arm} value={arm}>
              {arm}
            </option>
          ))}
        </select>
        <h4 className="mc-title" id={head}>
          <span className={`mc-grid-${markOf(trace.value)}`} aria-hidden="true">
            {signOf(trace.value)}
          </span>{' '}
          <span className="mc-heard">{trace.arm}: </span>
          {value}
          <span className="mc-quiet"> · {endInWords(trace, trans)}</span>
        </h4>
        <p className="mc-quiet">
          {trace.skills.length > 0
            ? trans.__('skills: %1', trace.skills.join(', '))
            : trans.__('no skills')}
        </p>
        {trace.failure !== null && (
          <p className="mc-ablation-failures" dir="auto">
            <span aria-hidden="true">⚠</span> {trace.failure}
          </p>
        )}
      </div>
      <TraceSteps steps={trace.steps} arm={trace.arm} />
      <Checks checks={trace.checks} />
    </section>
  );
}

/** What was asked of the outcome, and whether it held. */
function Checks({
  checks
}: {
  checks: readonly TraceCheck[];
}): ReactElement | null {
  const { trans } = useView();
  if (checks.length === 0) {
    return null;
  }
  return (
    <ul className="mc-list" role="list" aria-label={trans.__('Checks')}>
      {checks.map(({ source, passed, feedback }, index) => (
        <li key={index} className="mc-ablation-finding" title={source}>
          <span className={passed ? 'mc-good' : 'mc-bad'}>
            <span aria-hidden="true">{passed ? '✓' : '✗'}</span>
            <span className="mc-heard">
              {passed ? trans.__('passed:') : trans.__('not passed:')}
            </span>
          </span>
          <span dir="auto">
            {feedback === '' ? <code>{source}</code> : feedback}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Why an attempt ended. */
function endInWords(
  { stop, right }: Trace,
  trans: ReturnType<typeof useView>['trans']
): string {
  const ends: Record<string, string> = {
    done: trans.__('done'),
    check_failed: trans.__('a check failed'),
    out_of_steps: trans.__('out of steps'),
    no_action: trans.__('it wrote no code'),
    repeated: trans.__('it repeated what had failed'),
    policy_failed: trans.__('the policy failed'),
    executor_failed: trans.__('the sandbox failed')
  };
  const end = ends[stop] ?? stop;
  return stop === 'check_failed' && right === true
    ? trans.__('%1; the task itself was right', end)
    : end;
}
