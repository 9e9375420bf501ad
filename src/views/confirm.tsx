import React, {
  type FormEvent,
  type ReactElement,
  useEffect,
  useId,
  useRef,
  useState
} from 'react';
import { useView } from './context';
import { Trouble } from './notice';

interface IConfirm {
  /** What will happen. */
  question: string;
  /** The button that does it. */
  act: string;
  /** Whether a reason is asked for, for the record. */
  reason?: boolean;
  /** Does it; the question stays where this rejects. */
  run: (reason: string) => Promise<void>;
  close: () => void;
}

/** A question before something is done, where the button was. Escape leaves everything as it is. */
export function Confirm({
  question,
  act,
  reason,
  run,
  close
}: IConfirm): ReactElement {
  const { trans } = useView();
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const asked = useId();
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    const before = document.activeElement;
    form.current?.querySelector<HTMLElement>('input, button')?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) {
        before.focus();
      }
    };
  }, []);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (busy) {
      return;
    }
    setBusy(true);
    run(text.trim()).then(close, (error: unknown) => {
      setFailure(error instanceof Error ? error : new Error(String(error)));
      setBusy(false);
    });
  };

  return (
    <form
      ref={form}
      className="mc-confirm"
      aria-labelledby={asked}
      onSubmit={submit}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          close();
        }
      }}
    >
      <p id={asked}>{question}</p>
      {reason && (
        <label>
          {trans.__('Reason, for the record')}
          <input
            className="mc-field"
            value={text}
            maxLength={4000}
            placeholder={trans.__('may be left empty')}
            onChange={event => {
              setText(event.target.value);
            }}
          />
        </label>
      )}
      <div className="mc-buttons">
        <button
          type="submit"
          className="mc-button mc-button-main"
          aria-disabled={busy}
        >
          {act}
        </button>
        <button type="button" className="mc-button" onClick={close}>
          {trans.__('Cancel')}
        </button>
      </div>
      {failure && <Trouble error={failure} />}
    </form>
  );
}
