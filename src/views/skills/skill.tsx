import React, { type ReactElement } from 'react';
import { answer } from '../../api/client';
import { Refused } from '../../api/failure';
import type { SkillAccount } from '../../api/schema';
import { countHidden, visible } from '../../models/hidden';
import { useView } from '../context';
import { useLoaded } from '../hooks';
import { Loaded } from '../notice';
import { Name } from '../name';
import { Acts, Toggles } from './acts';
import { Failures } from './failures';
import { Fared } from './fared';
import { Gone } from './gone';
import { Head } from './head';
import { Hidden } from './hidden';
import { isSign, Sign } from './signs';
import { Texts } from './texts';
import { markInWords } from './words';

/** One skill: its text, where it came from, how it fared, and what can be done with it. */
export function SkillPage({ name }: { name: string }): ReactElement {
  const { connection } = useView();
  const account = useLoaded(connection, `skill ${name}`, api =>
    answer(api.GET('/skills/{name}', { params: { path: { name } } }))
  );
  const { failure, value } = account;
  const isGone = failure instanceof Refused && failure.status === 404;
  const refresh = (): void => {
    void account.refresh();
  };
  return (
    <>
      <Head title={<Name text={name} />}>
        {value && !isGone && <Toggles account={value} refresh={refresh} />}
      </Head>
      {isGone ? (
        <Gone name={name} failure={failure} last={value} refresh={refresh} />
      ) : (
        <Loaded resource={account}>
          {found => <Skill account={found} refresh={refresh} />}
        </Loaded>
      )}
    </>
  );
}

export interface ISkillView {
  account: SkillAccount;
  /** Ask for the account again. */
  refresh: () => void;
}

function Skill({ account, refresh }: ISkillView): ReactElement {
  const { trans } = useView();
  const { skill, whence, problem, source } = account;
  return (
    <>
      <p className="mc-skill-about">
        <bdi>{visible(skill.description)}</bdi>
      </p>
      {whence.marks.length > 0 && (
        <p className="mc-skill-marks">
          {whence.marks.map(mark => (
            <span key={mark}>
              {isSign(mark) && <Sign name={mark} />}{' '}
              {markInWords(mark, trans)}{' '}
            </span>
          ))}
        </p>
      )}
      {problem && (
        <div className="mc-trouble" role="note">
          <span aria-hidden="true">⚠</span>{' '}
          {trans.__('Its file cannot be used: the text below is that file.')}{' '}
          <bdi>{visible(problem)}</bdi>
        </div>
      )}
      <Hidden count={countHidden(source)} />
      <Texts account={account} refresh={refresh} />
      <Fared account={account} />
      <h4 className="mc-title">{trans.__('Came from')}</h4>
      {whence.failure_count > 0 ? (
        <Failures failures={whence.failures} count={whence.failure_count} />
      ) : (
        <p className="mc-quiet">{trans.__('No failure: somebody wrote it.')}</p>
      )}
      <Acts account={account} refresh={refresh} />
    </>
  );
}
