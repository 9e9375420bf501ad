import React, { type ReactElement } from 'react';
import type { ArmComparison } from '../../api/schema';
import { useView } from '../context';
import { findingLook, findingSign } from './words';

/** What is shown of each arm against another, in sentences. */
export function Comparisons({
  comparisons
}: {
  comparisons: readonly ArmComparison[];
}): ReactElement | null {
  const { trans } = useView();
  if (comparisons.length === 0) {
    return null;
  }
  return (
    <section>
      <h4 className="mc-title">{trans.__('What is shown')}</h4>
      <ul className="mc-list" role="list">
        {comparisons.map(one => (
          <li
            key={`${one.arm} ${one.reference}`}
            className="mc-ablation-finding"
          >
            <span className={findingLook(one.finding)} aria-hidden="true">
              {findingSign(one.finding)}
            </span>
            <span>
              {one.sentence}
              <span className="mc-second">
                {trans.__(
                  '%1: better on %2, worse on %3, equal on %4',
                  one.test,
                  part(one.better),
                  part(one.worse),
                  part(one.equal)
                )}
                {one.effect !== null &&
                  `; ${trans.__('standardised %1', one.effect.toFixed(2))}`}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A share of the tasks. */
function part(share: number | null): string {
  return share === null ? '–' : `${(100 * share).toFixed(0)} %`;
}
