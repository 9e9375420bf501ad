import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement } from 'react';
import type { Share, SkillAccount } from '../../api/schema';
import { useView } from '../context';
import { Sparkline } from '../sparkline';

/** How often a skill was used and how that went; tasks before it came and with it. */
export function Fared({ account }: { account: SkillAccount }): ReactElement {
  const { trans } = useView();
  const { use } = account.whence;
  const { before, after, sentence } = account.worth;
  return (
    <>
      <h4 className="mc-title">{trans.__('How it fared')}</h4>
      {use && use.uses > 0 ? (
        <ul className="mc-plain mc-uses">
          <li>{trans.__('Uses %1', use.uses)}</li>
          <li className={use.helped > 0 ? 'mc-good' : undefined}>
            {trans.__('helped %1', use.helped)}
          </li>
          <li className={use.hurt > 0 ? 'mc-bad' : undefined}>
            {trans.__('hurt %1', use.hurt)}
          </li>
          <li title={trans.__('Not tried without it')}>
            {trans.__(
              'no sign %1',
              Math.max(0, use.uses - use.helped - use.hurt)
            )}
          </li>
        </ul>
      ) : (
        <p className="mc-quiet">{trans.__('Not used yet.')}</p>
      )}
      {(before ?? after) && (
        <table className="mc-table mc-worth">
          <caption className="mc-heard">
            {trans.__('Tasks that went right, before it came and with it')}
          </caption>
          <thead className="mc-heard">
            <tr>
              <th scope="col">{trans.__('When')}</th>
              <th scope="col">{trans.__('Share')}</th>
              <th scope="col">{trans.__('In time')}</th>
            </tr>
          </thead>
          <tbody>
            <Row label={trans.__('before')} share={before} />
            <Row label={trans.__('with it')} share={after} />
          </tbody>
        </table>
      )}
      <p className={(before ?? after) ? undefined : 'mc-quiet'}>{sentence}</p>
    </>
  );
}

function Row({
  label,
  share
}: {
  label: string;
  share: Share | null;
}): ReactElement {
  const { trans } = useView();
  return (
    <tr>
      <th scope="row">{label}</th>
      <td className="mc-number">
        {share ? shareInWords(share, trans) : trans.__('no tasks')}
      </td>
      <td>
        {share && share.series.length > 1 && (
          <Sparkline
            values={share.series}
            lowest={0}
            highest={1}
            label={trans.__(
              'Share of tasks that went right, in time: %1',
              share.series.map(value => (value ?? 0).toFixed(1)).join(', ')
            )}
          />
        )}
      </td>
    </tr>
  );
}

function shareInWords(
  { n, mean, low, high }: Share,
  trans: TranslationBundle
): string {
  const count = trans._n('one task', '%1 tasks', n, n);
  return mean === null || low === null || high === null
    ? count
    : trans.__(
        '%1 (%2 to %3), %4',
        mean.toFixed(2),
        low.toFixed(2),
        high.toFixed(2),
        count
      );
}
