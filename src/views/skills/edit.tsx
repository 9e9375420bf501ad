import { Notification } from '@jupyterlab/apputils';
import React, { type ReactElement, useState } from 'react';
import { Refused } from '../../api/failure';
import { type IDraft, isTouched, type IVersion } from '../../models/drafts';
import { useView } from '../context';
import { useSignal } from '../hooks';
import { Trouble } from '../notice';
import { tellOutcome } from '../outcome';
import { useSkillModels } from './models';
import { Comparison, SourceText } from './text';

const UNDO_MS = 12_000;

interface IEdit {
  name: string;
  /** As it is now. */
  current: IVersion;
  /** Ask again for what it is now. */
  refresh: () => void;
  close: () => void;
}

/** An edit of a skill, until it is saved or given up. Where somebody else was faster both texts are shown. */
export function Edit({ name, current, refresh, close }: IEdit): ReactElement {
  const { trans } = useView();
  const { acts, drafts } = useSkillModels();
  useSignal(drafts.changed);
  const draft = drafts.of(name);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error>();

  if (!draft) {
    return <></>;
  }
  const { text, base, theirs } = draft;

  const save = async (): Promise<void> => {
    if (busy) {
      return;
    }
    setBusy(true);
    setFailure(undefined);
    try {
      const act = await acts.save(name, text, theirs ?? base);
      drafts.end(name);
      void tellOutcome(Promise.resolve(act), trans);
      close();
    } catch (error) {
      if (error instanceof Refused && error.reason === 'SkillChanged') {
        await acts.text(name).then(
          saved => {
            drafts.refuse(name, saved);
          },
          (other: unknown) => {
            setFailure(asError(other));
          }
        );
      } else {
        setFailure(asError(error));
      }
    }
    setBusy(false);
    refresh();
  };

  const giveUp = (): void => {
    const given = drafts.end(name);
    close();
    if (given && isTouched(given)) {
      tellGivenUp(given);
    }
  };

  const tellGivenUp = (given: IDraft): void => {
    Notification.info(trans.__('The edit of %1 is given up.', name), {
      autoClose: UNDO_MS,
      actions: [
        {
          label: trans.__('Undo'),
          callback: () => {
            drafts.restore(name, given);
          }
        }
      ]
    });
  };

  const label = trans.__('Edit of %1', name);
  const write = (written: string): void => {
    drafts.write(name, written);
  };
  const onSave = (): void => {
    void save();
  };
  const moved = !theirs && current.hash !== base.hash;
  return (
    <div className="mc-edit">
      {moved && (
        <div className="mc-trouble" role="status">
          <span aria-hidden="true">⚠</span>{' '}
          {trans.__('Somebody has saved another text since you began.')}{' '}
          <button
            type="button"
            className="mc-link"
            onClick={() => {
              drafts.refuse(name, current);
            }}
          >
            {trans.__('Compare')}
          </button>
        </div>
      )}
      {theirs ? (
        <>
          <div className="mc-trouble" role="alert">
            <span aria-hidden="true">⚠</span>{' '}
            {trans.__(
              'Somebody has saved another text meanwhile. Below is yours, and what theirs has otherwise is marked. Nothing is saved yet.'
            )}
          </div>
          <Comparison
            before={theirs.text}
            controls={{
              take: trans.__('Take theirs'),
              keep: trans.__('Keep mine')
            }}
            text={text}
            label={label}
            onChange={write}
            onSave={onSave}
          />
        </>
      ) : (
        <SourceText
          text={text}
          label={label}
          onChange={write}
          onSave={onSave}
        />
      )}
      <div className="mc-buttons">
        <button
          type="button"
          className="mc-button mc-button-main"
          aria-disabled={busy}
          onClick={onSave}
        >
          {theirs ? trans.__('Save mine over theirs') : trans.__('Save')}
        </button>
        {theirs && (
          <button
            type="button"
            className="mc-button"
            onClick={() => {
              drafts.write(name, theirs.text);
              drafts.rebase(name);
            }}
          >
            {trans.__('Go on with theirs')}
          </button>
        )}
        <button type="button" className="mc-button" onClick={giveUp}>
          {trans.__('Give up')}
        </button>
      </div>
      {failure && <Trouble error={failure} />}
      <p className="mc-quiet">
        {trans.__('Saving makes a new generation. Ctrl S saves, too.')}
      </p>
    </div>
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
