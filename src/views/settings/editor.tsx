import React, { type ReactElement, useRef, useState } from 'react';
import type { Setting } from '../../api/schema';
import { meantBy, textOf } from '../../models/settingText';
import { useView } from '../context';

interface IEditor {
  setting: Setting;
  /** The id of the control, which its label names. */
  id: string;
  /** The ids of what describes it. */
  describedBy: string;
  invalid: boolean;
  /** Write a value; whether that was taken. */
  put: (value: unknown) => Promise<boolean>;
  /** What is typed means nothing, and why; undefined where it does again. */
  complain: (problem: string | undefined) => void;
  /** What was refused is given up. */
  forget: () => void;
}

/** The control for a setting's value, by its kind. */
export function Editor(props: IEditor): ReactElement {
  const { kind, nullable } = props.setting;
  if (kind === 'bool' && !nullable) {
    return <Switch {...props} />;
  }
  if (kind === 'bool' || kind === 'choice') {
    return <Choice {...props} />;
  }
  return <Text {...props} />;
}

function Switch({ setting, id, describedBy, put }: IEditor): ReactElement {
  return (
    <input
      id={id}
      type="checkbox"
      className="mc-setting-switch"
      aria-describedby={describedBy}
      checked={setting.value === true}
      disabled={setting.locked}
      onChange={event => {
        void put(event.currentTarget.checked);
      }}
    />
  );
}

const UNSET = '';

function Choice(props: IEditor): ReactElement {
  const { setting, id, describedBy, invalid, put } = props;
  const { trans } = useView();
  const isSwitch = setting.kind === 'bool';
  const options = isSwitch
    ? [
        ['true', trans.__('on')],
        ['false', trans.__('off')]
      ]
    : setting.choices.map(choice => [choice, choice]);
  return (
    <select
      id={id}
      className="mc-field mc-setting-choice"
      aria-describedby={describedBy}
      aria-invalid={invalid}
      disabled={setting.locked}
      value={textOf(setting.value)}
      onChange={event => {
        const text = event.currentTarget.value;
        void put(text === UNSET ? null : isSwitch ? text === 'true' : text);
      }}
    >
      {setting.nullable && <option value={UNSET}>{trans.__('unset')}</option>}
      {options.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  );
}

/** A line of text, which counts when it is left or Enter is pressed; Escape takes it back. */
function Text(props: IEditor): ReactElement {
  const { setting, id, describedBy, invalid, put, complain, forget } = props;
  const { trans } = useView();
  // What is typed and does not count yet; a value that comes from elsewhere does not disturb it.
  const [draft, setDraft] = useState<string>();
  // What was refused is not tried again until it is changed.
  const tried = useRef<string>(undefined);
  const isTable = setting.kind === 'table';
  const isNumber = setting.kind === 'number' || setting.kind === 'integer';

  const settle = (): void => {
    if (draft === undefined || draft === tried.current) {
      return;
    }
    const meant = meantBy(draft, setting, trans);
    if ('problem' in meant) {
      complain(meant.problem);
      return;
    }
    complain(undefined);
    tried.current = draft;
    void put(meant.value).then(taken => {
      if (taken) {
        setDraft(now => (now === draft ? undefined : now));
        tried.current = undefined;
      }
    });
  };
  const shared = {
    id,
    className: isNumber ? 'mc-field mc-setting-number' : 'mc-field',
    'aria-describedby': describedBy,
    'aria-invalid': invalid,
    disabled: setting.locked,
    placeholder: setting.nullable ? trans.__('unset') : '',
    spellCheck: false,
    autoComplete: 'off',
    value: draft ?? textOf(setting.value),
    onBlur: settle,
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key === 'Enter' && !(isTable && event.shiftKey)) {
        event.preventDefault();
        settle();
      }
      if (event.key === 'Escape' && draft !== undefined) {
        event.stopPropagation();
        complain(undefined);
        forget();
        setDraft(undefined);
        tried.current = undefined;
      }
    },
    onChange: (
      event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>
    ) => {
      setDraft(event.currentTarget.value);
    }
  };
  return isTable ? (
    <textarea rows={2} {...shared} />
  ) : (
    <input type="text" inputMode={isNumber ? 'decimal' : 'text'} {...shared} />
  );
}
