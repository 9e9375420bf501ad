import React, { type ReactElement, useId } from 'react';
import type { AblationDraft } from '../../models/ablationDraft';
import type { AblationChoices, TaskSetChoice } from '../../api/schema';
import { useView } from '../context';

interface ITasks {
  draft: AblationDraft;
  options: AblationChoices;
}

/** The value of the choice that has its tasks typed. */
const TYPED = '';

/** On what the arms are compared: a set that is offered, or one that is named. */
export function Tasks({ draft, options }: ITasks): ReactElement {
  const { trans } = useView();
  const about = useId();
  const chosen = draft.chosenTasks(options);
  const label = ({ title, count, why_not }: TaskSetChoice): string =>
    why_not !== null
      ? trans.__('%1 (not now)', title)
      : count === null
        ? title
        : trans.__('%1 (%2)', title, count);
  return (
    <fieldset className="mc-ablation-tasks">
      <legend className="mc-title">{trans.__('Tasks')}</legend>
      <select
        className="mc-field"
        aria-label={trans.__('Task set')}
        aria-describedby={about}
        value={chosen ? chosen.spec : TYPED}
        onChange={event => {
          draft.write('tasks', event.target.value);
        }}
      >
        {options.task_sets.map(one => (
          <option
            key={one.spec}
            value={one.spec}
            disabled={one.why_not !== null}
            title={one.why_not ?? one.about}
          >
            {label(one)}
          </option>
        ))}
        <option value={TYPED}>{trans.__('Another, by its name…')}</option>
      </select>
      {!chosen && (
        <input
          className="mc-field"
          aria-label={trans.__('Name of the task set')}
          placeholder="tasks.jsonl"
          spellCheck={false}
          value={draft.tasks}
          onChange={event => {
            draft.write('tasks', event.target.value);
          }}
        />
      )}
      <p id={about} className="mc-quiet">
        {chosen?.why_not ?? chosen?.about}
      </p>
      <WhyNot options={options} chosen={chosen} />
    </fieldset>
  );
}

interface IWhyNot {
  options: AblationChoices;
  chosen: TaskSetChoice | undefined;
}

/** Why some cannot be chosen, and what would change that. */
function WhyNot({ options, chosen }: IWhyNot): ReactElement | null {
  const { trans } = useView();
  const closed = options.task_sets.filter(
    one => one.why_not !== null && one !== chosen
  );
  if (closed.length === 0) {
    return null;
  }
  return (
    <details className="mc-more">
      <summary>
        {trans._n(
          'Why %1 set cannot be chosen',
          'Why %1 sets cannot be chosen',
          closed.length
        )}
      </summary>
      <dl className="mc-facts">
        {closed.map(({ spec, title, why_not }) => (
          <React.Fragment key={spec}>
            <dt>{title}</dt>
            <dd>{why_not}</dd>
          </React.Fragment>
        ))}
      </dl>
    </details>
  );
}
