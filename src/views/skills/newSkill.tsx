import React, { type ReactElement, useState } from 'react';
import { useView } from '../context';
import { useSignal } from '../hooks';
import { Trouble } from '../notice';
import { tellOutcome } from '../outcome';
import { NEW_SKILL } from '../../models/skillPlace';
import { Head } from './head';
import { useSkillModels } from './models';
import { SourceText } from './text';

const TEMPLATE = `---
name: my-skill
description: What it does, and when to use it.
---

What to do, step by step.
`;

/** A skill that the user writes. */
export function NewSkill(): ReactElement {
  const { navigation, trans } = useView();
  const { acts, drafts } = useSkillModels();
  useSignal(drafts.changed);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const text = drafts.of(NEW_SKILL)?.text ?? TEMPLATE;
  const save = async (): Promise<void> => {
    if (busy) {
      return;
    }
    setBusy(true);
    setFailure(undefined);
    try {
      const act = await acts.add(text);
      drafts.end(NEW_SKILL);
      void tellOutcome(Promise.resolve(act), trans);
      navigation.back();
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
      setBusy(false);
    }
  };
  return (
    <>
      <Head title={trans.__('New skill')} />
      <SourceText
        text={text}
        label={trans.__('Text of the new skill')}
        onChange={written => {
          drafts.begin(NEW_SKILL, { text: TEMPLATE, hash: '' });
          drafts.write(NEW_SKILL, written);
        }}
        onSave={() => {
          void save();
        }}
      />
      <div className="mc-buttons">
        <button
          type="button"
          className="mc-button mc-button-main"
          aria-disabled={busy}
          onClick={() => {
            void save();
          }}
        >
          {trans.__('Add')}
        </button>
        <button
          type="button"
          className="mc-button"
          onClick={() => {
            drafts.end(NEW_SKILL);
            navigation.back();
          }}
        >
          {trans.__('Give up')}
        </button>
      </div>
      {failure && <Trouble error={failure} />}
    </>
  );
}
