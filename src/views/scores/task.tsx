import React, { memo, type ReactElement } from 'react';
import type { TaskRow } from '../../api/schema';
import { outcomeOf, signed, valueOf } from '../../models/scores';
import { Ago } from '../ago';
import { useView } from '../context';
import { Sparkline } from '../sparkline';
import { OutcomeSign } from './sign';
import { stepsWord } from './words';

const SKILLS = 3;
const TEXT = 200;

interface ITask {
  row: TaskRow;
  /** Whether the Tab key comes to it. */
  reached: boolean;
  /** It was reached, as the task of this number. */
  reach: (number: number) => void;
}

/** A task in the list: how it went, its steps, what it knew. Opens why. */
export const Task = memo(({ row, reached, reach }: ITask): ReactElement => {
  const { navigation, trans } = useView();
  const value = valueOf(row.score);
  const text = row.text.trim().slice(0, TEXT);
  return (
    <button
      type="button"
      className="mc-scored"
      tabIndex={reached ? 0 : -1}
      title={trans.__('Why it went as it did')}
      onFocus={() => {
        reach(row.number);
      }}
      onClick={() => {
        navigation.go('scores', row.id);
      }}
    >
      <OutcomeSign outcome={outcomeOf(row)} />
      <span className="mc-scored-text" dir="auto">
        {text}
      </span>
      <span className="mc-number">{value === null ? '' : signed(value)}</span>
      <span className="mc-scored-more mc-quiet">
        <Ago at={row.created_at ?? 0} />
        {row.steps.length > 0 && (
          <>
            {' · '}
            {trans._n('%1 step', '%1 steps', row.steps.length)}{' '}
            <Sparkline
              values={row.steps.map(({ score }) => score)}
              lowest={-1}
              highest={1}
              label={stepsWord(row.steps, trans)}
            />
          </>
        )}
        {` · g${String(row.skill_generation)}`}
        {row.purpose !== 'user' && ` · ${row.purpose.replaceAll('_', ' ')}`}
        {row.skills.length > 0 && ` · ${named(row.skills)}`}
      </span>
    </button>
  );
});
Task.displayName = 'Task';

function named(skills: readonly string[]): string {
  const shown = skills.slice(0, SKILLS).join(', ');
  return skills.length > SKILLS
    ? `${shown} +${String(skills.length - SKILLS)}`
    : shown;
}
