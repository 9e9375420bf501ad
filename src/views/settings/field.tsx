import type { TranslationBundle } from '@jupyterlab/translation';
import { lockIcon } from '@jupyterlab/ui-components';
import React, { memo, type ReactElement, useState } from 'react';
import type { Setting } from '../../api/schema';
import { Refused } from '../../api/failure';
import type { IField, SettingsForm } from '../../models/settings';
import { boundsOf } from '../../models/settingText';
import { useView } from '../context';
import { Editor } from './editor';
import { defaultInWords, nameOf, sourceInWords } from './words';

interface ISettingField {
  form: SettingsForm;
  setting: Setting;
}

/** One setting: what it is, its value, where that came from, and what came of the last change. */
export function SettingField({ form, setting }: ISettingField): ReactElement {
  const { saving, error, done, undoable } = form.field(setting.key);
  return (
    <Shown
      form={form}
      setting={setting}
      saving={saving}
      error={error}
      done={done}
      undoable={undoable}
    />
  );
}

function Whole({
  form,
  setting,
  ...field
}: ISettingField & IField): ReactElement {
  const { trans } = useView();
  const [problem, setProblem] = useState<string>();
  const { key, locked } = setting;
  const id = `mc-setting-${key.replaceAll('.', '-')}`;
  const wrong = problem ?? (field.error && inFull(field.error));
  return (
    <div
      className={locked ? 'mc-setting mc-setting-locked' : 'mc-setting'}
      data-key={key}
    >
      <label className="mc-setting-name" htmlFor={id} title={key}>
        {nameOf(key)}
      </label>
      <div className="mc-setting-value">
        <Editor
          setting={setting}
          id={id}
          describedBy={`${id}-about ${id}-wrong`}
          invalid={wrong !== undefined}
          put={async value => {
            await form.put(key, value);
            return form.field(key).error === undefined;
          }}
          complain={setProblem}
          forget={() => {
            form.forget(key);
          }}
        />
      </div>
      <p id={`${id}-about`} className="mc-setting-about">
        {setting.description}{' '}
        <span className="mc-quiet">
          {[boundsOf(setting, trans), defaultOf(setting, trans)]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </p>
      <p id={`${id}-wrong`} className="mc-setting-wrong" role="alert">
        {wrong !== undefined && (
          <>
            <span aria-hidden="true">⚠</span> {wrong}
          </>
        )}
      </p>
      <Foot form={form} setting={setting} {...field} />
    </div>
  );
}

const Shown = memo(Whole);

/** Where the value comes from, and the way back. */
function Foot({
  form,
  setting,
  saving,
  done,
  undoable
}: ISettingField & IField): ReactElement {
  const { trans } = useView();
  const { key, locked, source, overridden } = setting;
  const inFile = source === 'config.toml' || overridden;
  return (
    <p className="mc-setting-foot">
      <span className={source === 'default' ? 'mc-quiet' : undefined}>
        {locked && <lockIcon.react tag="span" className="mc-setting-lock" />}
        {locked
          ? trans.__('Locked: %1', sourceInWords(setting, trans))
          : sourceInWords(setting, trans)}
      </span>
      {overridden && !locked && (
        <span className="mc-setting-overridden">
          {trans.__('What is changed here counts when that is gone.')}
        </span>
      )}
      {inFile && !locked && (
        <button
          type="button"
          className="mc-link"
          aria-label={trans.__('Reset %1 to its default', key)}
          onClick={() => {
            void form.reset(key);
          }}
        >
          {trans.__('Reset')}
        </button>
      )}
      {undoable && (
        <button
          type="button"
          className="mc-link"
          aria-label={trans.__('Undo the change of %1', key)}
          onClick={() => {
            void form.undo(key);
          }}
        >
          {trans.__('Undo')}
        </button>
      )}
      <span className="mc-quiet" role="status">
        {saving && trans.__('Saving…')}
        {!saving && done === 'saved' && trans.__('Saved')}
        {!saving && done === 'reset' && trans.__('Reset')}
      </span>
    </p>
  );
}

/** The default, where the value is another. */
function defaultOf(setting: Setting, trans: TranslationBundle): string {
  return setting.source === 'default'
    ? ''
    : trans.__('default: %1', defaultInWords(setting, trans));
}

function inFull(error: Error): string {
  return error instanceof Refused
    ? `${error.message} ${error.nextStep}`.trim()
    : error.message;
}
