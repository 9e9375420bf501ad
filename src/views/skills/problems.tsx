import React, { type ReactElement } from 'react';
import { visible } from '../../models/hidden';
import type { IGroups } from '../../models/library';
import { useView } from '../context';

const MOST = 20;

/** What is wrong in the folder of skills, and the way to mend it. */
export function Problems({ found }: { found: IGroups }): ReactElement | null {
  const { navigation, trans } = useView();
  const { problems, folder } = found;
  if (problems.length === 0) {
    return null;
  }
  return (
    <details className="mc-problems">
      <summary>
        <span aria-hidden="true">⚠ </span>
        {trans._n(
          'One file needs a look',
          '%1 files need a look',
          problems.length,
          problems.length
        )}
      </summary>
      <p className="mc-quiet">{visible(folder)}</p>
      <ul className="mc-plain">
        {problems.slice(0, MOST).map((problem, index) => (
          <li key={index}>
            <bdi>{visible(problem.sentence)}</bdi>{' '}
            {/^[a-z0-9-]+$/.test(problem.folder) && (
              <button
                type="button"
                className="mc-link"
                onClick={() => {
                  navigation.go('skills', problem.folder);
                }}
              >
                {trans.__('Open %1', problem.folder)}
              </button>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
