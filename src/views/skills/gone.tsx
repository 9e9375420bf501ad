import React, { type ReactElement, useState } from 'react';
import type { SkillAccount } from '../../api/schema';
import { useView } from '../context';
import { useSignal } from '../hooks';
import { Trouble } from '../notice';
import { tellOutcome } from '../outcome';
import { SourceText } from './text';
import { useSkillModels } from './models';

interface IGone {
  name: string;
  failure: Error;
  /** As it was known last; undefined where it never was. */
  last: SkillAccount | undefined;
  refresh: () => void;
}

/** A skill that is not there any more. An edit of it that was not saved is: it can be added again. */
export function Gone({ name, failure, last, refresh }: IGone): ReactElement {
  const { trans } = useView();
  const { acts, drafts } = useSkillModels();
  useSignal(drafts.changed);
  const [refused, setRefused] = useState<Error>();
  const draft = drafts.of(name);
  const text = draft?.text ?? last?.source;
  const add = async (): Promise<void> => {
    try {
      const act = await acts.add(text ?? '');
      drafts.end(name);
      void tellOutcome(Promise.resolve(act), trans);
      refresh();
    } catch (error) {
      setRefused(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return (
    <>
      <Trouble error={failure} />
      {text !== undefined && (
        <>
          <p>
            {draft
              ? trans.__('What you have written is still here.')
              : trans.__('This is how it was.')}
          </p>
          <SourceText text={text} label={trans.__('Text of %1', name)} />
          <div className="mc-buttons">
            <button
              type="button"
              className="mc-button"
              onClick={() => {
                void add();
              }}
            >
              {trans.__('Add it again')}
            </button>
          </div>
          {refused && <Trouble error={refused} />}
        </>
      )}
    </>
  );
}
