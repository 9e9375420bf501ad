import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement } from 'react';
import type { Account, ChosenSkill } from '../../api/schema';
import { CommandIDs } from '../../tokens';
import { useView } from '../context';
import { Name } from '../name';

/** The skills that were in the prompt, and why; else those that came nearest. */
export function Skills({ account }: { account: Account }): ReactElement {
  const { trans } = useView();
  const { chosen, others } = account;
  return (
    <section>
      <h4 className="mc-title">{trans.__('Skills in the prompt')}</h4>
      {chosen.length === 0 && (
        <p className="mc-quiet">
          {others.length > 0
            ? trans.__(
                'There was none. What would come nearest today, where it takes %1:',
                (account.threshold ?? 0).toFixed(2)
              )
            : trans.__('There was none: no skill bears on this task.')}
        </p>
      )}
      <ul className="mc-trace-list">
        {chosen.map(skill => (
          <li key={skill.rank}>
            <SkillLink name={skill.name} /> {why(skill, trans)}
          </li>
        ))}
        {chosen.length === 0 &&
          others.map(({ name, relevance }) => (
            <li key={name}>
              <SkillLink name={name} />{' '}
              <span className="mc-quiet">{(relevance ?? 0).toFixed(2)}</span>
            </li>
          ))}
      </ul>
    </section>
  );
}

function SkillLink({ name }: { name: string }): ReactElement {
  const { commands } = useView();
  return (
    <button
      type="button"
      className="mc-link"
      aria-label={name}
      onClick={() => {
        void commands.execute(CommandIDs.showSkill, { id: name });
      }}
    >
      <Name text={name} />
    </button>
  );
}

function why(skill: ChosenSkill, trans: TranslationBundle): ReactElement {
  const told = [trans.__('relevance %1', (skill.relevance ?? 0).toFixed(2))];
  if (skill.words.length > 0) {
    told.push(trans.__('for %1', skill.words.join(', ')));
  }
  if (skill.state !== 'current') {
    told.push(
      skill.state === 'removed since'
        ? trans.__('removed since')
        : trans.__('edited since')
    );
  }
  return <span className="mc-quiet">{told.join(' · ')}</span>;
}
