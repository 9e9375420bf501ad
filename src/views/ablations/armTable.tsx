import React, { type ReactElement } from 'react';
import type { AblationReport, ArmResult } from '../../api/schema';
import { useView } from '../context';
import { duration } from '../training/words';
import { percent, percents, short } from './words';

/** What each arm is, did, and took. */
export function ArmTable({ report }: { report: AblationReport }): ReactElement {
  const { trans } = useView();
  return (
    <section>
      <h4 className="mc-title">{trans.__('Arms')}</h4>
      <table className="mc-table mc-ablation-table">
        <thead>
          <tr>
            <th scope="col">{trans.__('Arm')}</th>
            <th scope="col" className="mc-number">
              {trans.__('Mean')}
            </th>
            <th scope="col" className="mc-number">
              {trans.__('95 %')}
            </th>
          </tr>
        </thead>
        {Object.entries(report.arms).map(([name, arm]) => (
          <tbody key={name}>
            <tr>
              <th scope="row">
                {name}
                {name === report.reference && (
                  <span className="mc-quiet"> {trans.__('(reference)')}</span>
                )}
              </th>
              <td className="mc-number">{percent(arm.mean)}</td>
              <td className="mc-number">{percents(arm.ci95)}</td>
            </tr>
            <tr>
              <td colSpan={3} className="mc-quiet">
                <Took arm={arm} />
              </td>
            </tr>
          </tbody>
        ))}
      </table>
    </section>
  );
}

function Took({ arm }: { arm: ArmResult }): ReactElement {
  const { trans } = useView();
  const parts = [
    arm.about,
    trans._n('%1 task', '%1 tasks', arm.tasks),
    ...(arm.attempts === arm.tasks
      ? []
      : [trans._n('%1 attempt', '%1 attempts', arm.attempts)]),
    trans.__('%1 tokens', short(arm.tokens))
  ];
  if (arm.right !== null) {
    parts.push(trans.__('the task itself right in %1', percent(arm.right)));
  }
  if (arm.cost) {
    parts.push(trans.__('cost %1', arm.cost.toPrecision(3)));
  }
  if (arm.seconds !== null) {
    parts.push(trans.__('%1 an attempt', duration(arm.seconds, trans)));
  }
  if (arm.policy_seconds !== null) {
    parts.push(
      trans.__('%1 of it the policy', duration(arm.policy_seconds, trans))
    );
  }
  const seeds = Object.entries(arm.by_seed ?? {});
  if (seeds.length > 1) {
    parts.push(
      trans.__(
        'by seed %1',
        seeds.map(([seed, mean]) => `${seed}: ${percent(mean)}`).join(', ')
      )
    );
  }
  return (
    <>
      {parts.join(' · ')}
      {arm.failures.n > 0 && (
        <span className="mc-ablation-failures" dir="auto">
          <span aria-hidden="true">⚠</span>{' '}
          {trans._n('%1 failure', '%1 failures', arm.failures.n)}
          {arm.failures.example && `: ${arm.failures.example}`}
        </span>
      )}
    </>
  );
}
