import React, { type ReactElement } from 'react';
import { answer } from '../../api/client';
import type { RunAccount } from '../../api/schema';
import { Ago } from '../ago';
import { useView } from '../context';
import { useLoaded } from '../hooks';
import { Loaded } from '../notice';
import { Back } from './back';
import { Curves } from './curves';
import { Gate } from './gate';
import { duration, signed, stateWord, versionName } from './words';

/** One run, opened from a list. */
export function RunPage({ number }: { number: number }): ReactElement {
  const { connection, trans } = useView();
  const run = useLoaded(connection, `run/${String(number)}`, api =>
    answer(
      api.GET('/training/runs/{number}', {
        params: { path: { number: String(number) } }
      })
    )
  );
  return (
    <>
      <Back label={trans.__('Training')} />
      <Loaded resource={run}>
        {found => (
          <>
            <h3 className="mc-title">
              {trans.__(
                'Run %1: %2',
                found.number,
                stateWord(found.state, trans)
              )}
            </h3>
            <p className="mc-reason">{found.reason}</p>
            <Run run={found} />
          </>
        )}
      </Loaded>
    </>
  );
}

/** What a run is, how far it is, its curves, and what the gate of its adapter said. */
export function Run({ run }: { run: RunAccount }): ReactElement {
  const { trans } = useView();
  return (
    <>
      <Progress run={run} />
      <Curves curves={run.curves} />
      {run.gate && <Gate gate={run.gate} version={run.adapter} />}
      <details className="mc-more">
        <summary>{trans.__('About this run')}</summary>
        <Facts run={run} />
      </details>
    </>
  );
}

function Progress({ run }: { run: RunAccount }): ReactElement {
  const { trans } = useView();
  const reward = run.curves.reward.at(-1) ?? null;
  return (
    <div className="mc-progress">
      <progress
        max={run.steps}
        value={run.steps_done}
        aria-label={trans.__('Steps of run %1', run.number)}
      />
      <span className="mc-number">
        {trans.__('step %1 of %2', run.steps_done, run.steps)}
      </span>
      {reward !== null && (
        <span className="mc-number">
          {trans.__('reward %1', signed(reward))}
        </span>
      )}
      {run.eta_seconds !== null && (
        <span className="mc-number">
          {trans.__('about %1 left', duration(run.eta_seconds, trans))}
        </span>
      )}
    </div>
  );
}

function Facts({ run }: { run: RunAccount }): ReactElement {
  const { navigation, trans } = useView();
  const { adapter } = run;
  const facts: (readonly [string, React.ReactNode])[] = [
    [trans.__('Begun'), run.created_at !== null && <Ago at={run.created_at} />],
    [trans.__('Model'), run.base],
    [trans.__('Began from'), versionName(run.parent, trans)],
    [trans.__('Skills'), `g${String(run.skill_generation)}`],
    [trans.__('Prompts'), run.prompts],
    [trans.__('Seed'), run.seed],
    [
      trans.__('Groups'),
      trans.__(
        '%1 of %2 had equal rewards and taught nothing',
        run.equal_groups,
        run.groups
      )
    ]
  ];
  if (run.unscored > 0) {
    facts.push([trans.__('Unscored'), run.unscored]);
  }
  if (run.mismatched > 0) {
    facts.push([
      trans.__('Left out'),
      trans._n(
        '%1 prompt that was not brought to its state again',
        '%1 prompts that were not brought to their state again',
        run.mismatched
      )
    ]);
  }
  if (run.step_seconds !== null) {
    facts.push([
      trans.__('Speed'),
      trans.__(
        '%1 a step, %2 tokens/s',
        duration(run.step_seconds, trans),
        Math.round(run.tokens_per_second ?? 0)
      )
    ]);
  }
  if (adapter !== null) {
    facts.push([
      trans.__('Adapter'),
      <button
        key="adapter"
        type="button"
        className="mc-link"
        onClick={() => {
          navigation.go('training', `adapter/${String(adapter)}`);
        }}
      >
        {`v${String(adapter)}`}
      </button>
    ]);
  }
  return (
    <dl className="mc-facts">
      {facts.map(([name, value]) => (
        <React.Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}
