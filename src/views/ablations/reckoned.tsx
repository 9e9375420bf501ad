import React, { type ReactElement } from 'react';
import { type AblationDraft, smallestShown } from '../../models/ablationDraft';
import type { AblationChoices } from '../../api/schema';
import { useView } from '../context';

interface IReckoned {
  draft: AblationDraft;
  options: AblationChoices;
}

/** How many attempts it takes, and how small a difference can be shown by them. */
export function Reckoned({ draft, options }: IReckoned): ReactElement {
  const { trans } = useView();
  const request = draft.request(options);
  if (!request) {
    return <p className="mc-quiet mc-ablation-reckoned" />;
  }
  const arms = draft.namesOf(options).length;
  const most = draft.chosenTasks(options)?.count ?? null;
  const tasks = most === null ? request.n : Math.min(request.n, most);
  const shown = smallestShown(tasks, arms - 1);
  return (
    <p className="mc-quiet mc-ablation-reckoned">
      {trans.__(
        '%1 arms, up to %2 attempts; compared with %3.',
        arms,
        arms * tasks * request.seeds * request.samples,
        draft.referenceOf(options) ?? ''
      )}{' '}
      {request.days !== null &&
        trans._n(
          'Before them each arm learns for %1 day.',
          'Before them each arm learns for %1 days.',
          request.days
        )}{' '}
      {shown === null
        ? trans.__(
            'So few tasks show hardly any difference: take more of them.'
          )
        : trans.__(
            'If two arms differ on %1 of the tasks, %2 tasks show about %3 points.',
            '30 %',
            tasks,
            Math.round(100 * shown)
          )}
    </p>
  );
}
