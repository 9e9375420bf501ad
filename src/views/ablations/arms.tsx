import React, { type ReactElement, useId } from 'react';
import { type AblationDraft, FIRST_ARMS } from '../../models/ablationDraft';
import type { AblationChoices, ArmChoice, ArmPart } from '../../api/schema';
import { useView } from '../context';

interface IArms {
  draft: AblationDraft;
  options: AblationChoices;
}

/** The arms that can be chosen, each with what it is: the first ones in sight, the others on request. */
export function Arms({ draft, options }: IArms): ReactElement {
  const { trans } = useView();
  const first = options.arms.filter(({ name }) => FIRST_ARMS.includes(name));
  const others = options.arms.filter(({ name }) => !FIRST_ARMS.includes(name));
  const chosen = others.filter(({ name }) => draft.arms.has(name)).length;
  return (
    <fieldset className="mc-ablation-arms">
      <legend className="mc-title">{trans.__('Arms')}</legend>
      <Toggles draft={draft} arms={first} />
      {others.length > 0 && (
        <details className="mc-more" open={chosen > 0 ? true : undefined}>
          <summary>
            {trans._n('%1 more arm', '%1 more arms', others.length)}
          </summary>
          <Toggles draft={draft} arms={others} />
        </details>
      )}
      <Extra draft={draft} parts={options.parts} />
      <Reference draft={draft} options={options} />
    </fieldset>
  );
}

/** Which of the chosen arms the others are compared with. */
function Reference({ draft, options }: IArms): ReactElement | null {
  const { trans } = useView();
  const names = draft.namesOf(options);
  if (names.length < 2) {
    return null;
  }
  return (
    <label>
      {trans.__('Compared with')}
      <select
        className="mc-field"
        value={draft.referenceOf(options)}
        onChange={event => {
          draft.write('reference', event.target.value);
        }}
      >
        {[...new Set(names)].map(name => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface IToggles {
  draft: AblationDraft;
  arms: readonly ArmChoice[];
}

function Toggles({ draft, arms }: IToggles): ReactElement {
  return (
    <>
      {arms.map(({ name, about }) => (
        <label key={name} className="mc-ablation-arm">
          <input
            type="checkbox"
            checked={draft.arms.has(name)}
            onChange={() => {
              draft.toggle(name);
            }}
          />
          <span>
            <b>{name}</b> <span className="mc-quiet">{about}</span>
          </span>
        </label>
      ))}
    </>
  );
}

interface IExtra {
  draft: AblationDraft;
  parts: readonly ArmPart[];
}

/** Arms in a line, for what has no name. */
function Extra({ draft, parts }: IExtra): ReactElement {
  const { trans } = useView();
  const hint = useId();
  return (
    <details className="mc-more" open={draft.extra !== '' ? true : undefined}>
      <summary>{trans.__('Arms of your own')}</summary>
      <label>
        {trans.__('One in a line')}
        <textarea
          className="mc-field mc-ablation-extra"
          rows={3}
          spellCheck={false}
          aria-describedby={hint}
          value={draft.extra}
          onChange={event => {
            draft.write('extra', event.target.value);
          }}
        />
      </label>
      <p id={hint} className="mc-quiet">
        {trans.__(
          'A name, the arm that it begins with, and what it does otherwise:'
        )}{' '}
        <code>few=skills,skills.max_skills=1</code>
      </p>
      <dl className="mc-facts">
        {parts.map(({ key, about, values }) => (
          <React.Fragment key={key}>
            <dt>
              <code>{key}</code>
            </dt>
            <dd>
              {about}
              {values.length > 0 && ` (${values.join(', ')})`}
            </dd>
          </React.Fragment>
        ))}
      </dl>
    </details>
  );
}
