import React, { type ReactElement } from 'react';
import type { CheckAccount } from '../../api/schema';
import { useView } from '../context';
import { OutcomeSign } from './sign';

/** The checks of a task, and how they went. */
export function Checks({
  checks
}: {
  checks: readonly CheckAccount[];
}): ReactElement {
  const { trans } = useView();
  if (checks.length === 0) {
    return <></>;
  }
  return (
    <section>
      <h4 className="mc-title">{trans.__('Checks')}</h4>
      <ul className="mc-trace-list">
        {checks.map((check, index) => (
          <li key={index}>
            <OutcomeSign outcome={check.passed ? 'right' : 'wrong'} />{' '}
            <code>{check.source}</code>
            {!check.passed && check.feedback && (
              <p className="mc-quiet" dir="auto">
                {check.feedback}
              </p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
