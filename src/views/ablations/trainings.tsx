import React, { type ReactElement } from 'react';
import type { TrainingSeeds } from '../../api/schema';
import { useView } from '../context';
import { points, pointsRange } from './words';

/** Arms that were trained, each training for itself: one lucky seed must not carry the others. */
export function Trainings({
  trainings
}: {
  trainings: readonly TrainingSeeds[];
}): ReactElement | null {
  const { trans } = useView();
  if (trainings.length === 0) {
    return null;
  }
  return (
    <section>
      <h4 className="mc-title">{trans.__('Trainings, one by one')}</h4>
      {trainings.map(one => (
        <Training key={`${one.arm} ${one.reference}`} training={one} />
      ))}
    </section>
  );
}

function Training({ training }: { training: TrainingSeeds }): ReactElement {
  const { trans } = useView();
  const { arm, reference, seeds } = training;
  return (
    <>
      <p className="mc-reason">{training.sentence}</p>
      <table className="mc-table mc-ablation-table">
        <caption className="mc-quiet">
          {trans.__('%1 against %2, in points', arm, reference)}
        </caption>
        <thead>
          <tr>
            <th scope="col">{trans.__('Seed')}</th>
            <th scope="col" className="mc-number">
              {trans.__('Difference')}
            </th>
            <th scope="col" className="mc-number">
              {trans.__('95 %')}
            </th>
          </tr>
        </thead>
        <tbody>
          {seeds.map(one => (
            <tr key={one.seed}>
              <th scope="row">
                {one.seed}
                {one.seed === training.worst && seeds.length > 1 && (
                  <span className="mc-quiet"> {trans.__('(the worst)')}</span>
                )}
              </th>
              <td className="mc-number">{points(one.difference)}</td>
              <td className="mc-number">{pointsRange(one.ci95, trans)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
