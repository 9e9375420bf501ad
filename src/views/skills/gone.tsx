import React, { type ReactElement, useState } from 'react';
import { answer } from '../../api/client';
import type { SkillAccount } from '../../api/schema';
import { useView } from '../context';
import { useLoaded, useSignal } from '../hooks';
import { Trouble } from '../notice';
import { tellOutcome } from '../outcome';
import { Broken } from './broken';
import { SourceText } from './text';
import { useSkillModels } from './models';

interface IGone {
  name: string;
  failure: Error;
  /** As it was known last; undefined where it never was. */
  last: SkillAccount | undefined;
  refresh: () => void;
}

/** A skill that cannot be had: its file is broken, or it is not there any more. */
export function Gone(gone: IGone): ReactElement {
  const { connection } = useView();
  const { name } = gone;
  const file = useLoaded(connection, `file ${name}`, api =>
    answer(api.GET('/skills/{name}/text', { params: { path: { name } } }))
  );
  const { value, failure, loading } = file;
  if (value && !failure) {
    return <Broken found={value} refresh={gone.refresh} />;
  }
  return loading && !failure ? <></> : <Missing {...gone} />;
}

/** A skill that is not there any more. An edit of it that was not saved is: it can be added again. */
function Missing({ name, failure, last, refresh }: IGone): ReactElement {
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
