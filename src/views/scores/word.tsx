import React, { type ReactElement, useId, useRef, useState } from 'react';
import type { Account } from '../../api/schema';
import { wordOf } from '../../models/scores';
import { sayOf, takeBackWord } from '../../models/word';
import { useView } from '../context';
import { Trouble } from '../notice';
import { thumbDownIcon, thumbUpIcon } from '../thumbs';

interface ITheWord {
  account: Account;
  /** Something was said or taken back. */
  heard: () => void;
}

/** Good or bad, with a reason: it reaches the score, and a reason is learnt from. Every word can be taken back. */
export function TheWord({ account, heard }: ITheWord): ReactElement {
  const { connection, trans } = useView();
  const [asking, setAsking] = useState(false);
  const [told, setTold] = useState('');
  const [failure, setFailure] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const bad = useRef<HTMLButtonElement>(null);
  const said = wordOf(account.reward);

  const act = async (action: Promise<string>): Promise<void> => {
    setBusy(true);
    try {
      setTold(await action);
      setFailure(null);
      setAsking(false);
      heard();
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
    } finally {
      setBusy(false);
    }
  };
  const say = (kind: 'good' | 'bad', reason = ''): void => {
    void act(sayOf(connection.api, account.id, kind, reason));
  };
  const takeBack = (): void => {
    void act(takeBackWord(connection.api, account.id));
  };
  const badLabel = account.waits ? trans.__('Turn down…') : trans.__('Bad…');
  return (
    <section aria-label={trans.__('Your word on it')}>
      <div className="mc-buttons">
        <button
          type="button"
          className="mc-button"
          aria-pressed={said === 'good'}
          disabled={busy || account.waits}
          title={
            account.waits
              ? trans.__('Its proposed cell has not been run yet.')
              : trans.__('It was done right')
          }
          onClick={() => {
            if (said === 'good') {
              takeBack();
            } else {
              say('good');
            }
          }}
        >
          <thumbUpIcon.react tag="span" className="mc-thumb-icon" />
          {trans.__('Good')}
        </button>
        <button
          ref={bad}
          type="button"
          className="mc-button"
          aria-pressed={said === 'bad'}
          aria-expanded={said === 'bad' ? undefined : asking}
          disabled={busy}
          onClick={() => {
            if (said === 'bad') {
              takeBack();
            } else {
              setAsking(!asking);
            }
          }}
        >
          <thumbDownIcon.react tag="span" className="mc-thumb-icon" />
          {said === 'bad' ? trans.__('Bad') : badLabel}
        </button>
        {said !== null && (
          <button
            type="button"
            className="mc-button"
            disabled={busy}
            onClick={takeBack}
          >
            {trans.__('Take back')}
          </button>
        )}
      </div>
      {asking && said !== 'bad' && (
        <Reason
          ends={account.waits}
          busy={busy}
          say={reason => {
            say('bad', reason);
          }}
          cancel={() => {
            setAsking(false);
            bad.current?.focus();
          }}
        />
      )}
      {failure && <Trouble error={failure} />}
      <p className="mc-trace-told" role="status">
        {told}
      </p>
    </section>
  );
}

interface IReason {
  /** Whether the task ends by it. */
  ends: boolean;
  busy: boolean;
  say: (reason: string) => void;
  cancel: () => void;
}

function Reason({ ends, busy, say, cancel }: IReason): ReactElement {
  const { trans } = useView();
  const [reason, setReason] = useState('');
  const field = useId();
  return (
    <form
      className="mc-trace-reason"
      onSubmit={event => {
        event.preventDefault();
        say(reason);
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          cancel();
        }
      }}
    >
      <label htmlFor={field}>
        {ends
          ? trans.__('What is wrong with the proposal? This ends the task.')
          : trans.__('What was wrong? A reason is learnt from.')}
      </label>
      <textarea
        id={field}
        className="mc-field"
        rows={2}
        maxLength={4000}
        value={reason}
        autoFocus
        onChange={event => {
          setReason(event.currentTarget.value);
        }}
      />
      <div className="mc-buttons">
        <button
          type="submit"
          className="mc-button mc-button-main"
          disabled={busy}
        >
          {ends ? trans.__('Turn down') : trans.__('Say bad')}
        </button>
        <button type="button" className="mc-button" onClick={cancel}>
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}
