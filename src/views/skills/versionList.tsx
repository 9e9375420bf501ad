import React, { type ReactElement } from 'react';
import type { SkillAccount } from '../../api/schema';
import { generationSubject } from '../../models/skillPlace';
import { Ago } from '../ago';
import { useView } from '../context';
import { causeInWords } from '../words';

const SHOWN = 30;

interface IVersionList {
  account: SkillAccount;
  /** Somebody wants a skill as it was in this generation. */
  onBack: (generation: number) => void;
}

/** The generations that changed a skill, the newest first. */
export function VersionList({ account, onBack }: IVersionList): ReactElement {
  const { navigation, trans } = useView();
  const { history } = account.whence;
  const shown = [...history].reverse().slice(0, SHOWN);
  return (
    <ol className="mc-timeline">
      {shown.map(({ generation, cause, at, sha256 }) => (
        <li key={generation}>
          <button
            type="button"
            className="mc-link"
            onClick={() => {
              navigation.go('skills', generationSubject(generation));
            }}
          >
            {trans.__('g%1', generation)}
          </button>{' '}
          {sha256 === null
            ? trans.__('taken out, %1', causeInWords(cause, trans))
            : causeInWords(cause, trans)}{' '}
          {at !== null && (
            <span className="mc-quiet">
              <Ago at={at} />{' '}
            </span>
          )}
          {sha256 === account.sha256 && (
            <span className="mc-quiet">{trans.__('as it is now')} </span>
          )}
          {sha256 !== null && sha256 !== account.sha256 && (
            <button
              type="button"
              className="mc-link"
              aria-label={trans.__('Roll back to g%1…', generation)}
              onClick={() => {
                onBack(generation);
              }}
            >
              {trans.__('Roll back…')}
            </button>
          )}
        </li>
      ))}
      {history.length > SHOWN && (
        <li className="mc-quiet">
          {trans.__('and %1 older ones', history.length - SHOWN)}
        </li>
      )}
    </ol>
  );
}
