import { ReactWidget } from '@jupyterlab/ui-components';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { PartialJSONValue } from '@lumino/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import React, {
  type ReactElement,
  type RefObject,
  useEffect,
  useId,
  useRef,
  useState
} from 'react';
import {
  type ITaskFacts,
  readTaskFacts,
  TASK_OUTPUT
} from '../models/taskFacts';
import type { Word } from '../models/said';
import { useSignal } from './hooks';

/** How the line of a task ends for front ends that have no button for it. */
const HINT = / · %metaclaw why$/;

/** What can be said of a task from its output. */
export interface ITaskWords {
  readonly changed: ISignal<unknown, void>;
  /** What the user has said of it. */
  word: (trajectory: string) => Word | null;
  /** Look for what was said of it before. */
  look: () => void;
  say: (trajectory: string, word: Word, reason: string) => void;
  takeBack: (trajectory: string) => void;
  why: (trajectory: string) => void;
}

/** The output of a task: its line, what the user says of it, and the way to why it went so. */
export class TaskOutput extends ReactWidget implements IRenderMime.IRenderer {
  constructor(
    private readonly _words: ITaskWords,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('mc-task-output');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const data = model.data[TASK_OUTPUT] as PartialJSONValue | undefined;
    this._facts = readTaskFacts(data);
    const plain = model.data['text/plain'];
    this._plain = typeof plain === 'string' ? plain : '';
    this.update();
    return this.renderPromise ?? Promise.resolve();
  }

  protected override render(): ReactElement {
    return this._facts ? (
      <TaskCard facts={this._facts} words={this._words} trans={this._trans} />
    ) : (
      <pre>{this._plain}</pre>
    );
  }

  private _facts: ITaskFacts | null = null;
  private _plain = '';
}

interface ITaskCard {
  facts: ITaskFacts;
  words: ITaskWords;
  trans: TranslationBundle;
}

/** The line of a task. While its proposal waits there is nothing to say of it yet. */
export function TaskCard({ facts, words, trans }: ITaskCard): ReactElement {
  useSignal(words.changed);
  const [asking, setAsking] = useState(false);
  const bad = useRef<HTMLButtonElement>(null);
  const { trajectory, waits, sentence } = facts;
  useEffect(() => {
    if (!waits) {
      words.look();
    }
  }, [trajectory, waits, words]);
  const word = words.word(trajectory);
  const press = (pressed: Word): void => {
    if (word === pressed) {
      words.takeBack(trajectory);
    } else if (pressed === 'good') {
      words.say(trajectory, 'good', '');
    }
    setAsking(pressed === 'bad' && word !== 'bad' && !asking);
  };
  const close = (): void => {
    setAsking(false);
    bad.current?.focus();
  };
  return (
    <div className="mc-task">
      <div className="mc-task-line">
        <span className="mc-task-sentence">{sentence.replace(HINT, '')}</span>
        <span className="mc-task-acts">
          {!waits && (
            <>
              <Thumb
                label={trans.__('Done right')}
                pressed={word === 'good'}
                onClick={() => {
                  press('good');
                }}
              />
              <Thumb
                down
                label={trans.__('Not done right')}
                pressed={word === 'bad'}
                expanded={asking}
                place={bad}
                onClick={() => {
                  press('bad');
                }}
              />
            </>
          )}
          <button
            type="button"
            className="mc-cell-act"
            aria-label={trans.__('Why this answer')}
            onClick={() => {
              words.why(trajectory);
            }}
          >
            {trans.__('Why')}
          </button>
        </span>
      </div>
      {asking && (
        <Reason
          trans={trans}
          onSend={reason => {
            close();
            words.say(trajectory, 'bad', reason);
          }}
          onCancel={close}
        />
      )}
    </div>
  );
}

interface IThumb {
  label: string;
  pressed: boolean;
  expanded?: boolean;
  place?: RefObject<HTMLButtonElement>;
  down?: boolean;
  onClick: () => void;
}

function Thumb(props: IThumb): ReactElement {
  const { label, pressed, expanded, place, down, onClick } = props;
  return (
    <button
      ref={place}
      type="button"
      className={`mc-cell-act mc-thumb${down ? ' mc-mod-down' : ''}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      onClick={onClick}
    >
      <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M1.500 7.500h3v6.500h-3zM4.500 8 7.500 1.500c1.300 0 2 .8 2 2V6h3.700c1 0 1.600.8 1.400 1.800l-1 5c-.2.800-.8 1.200-1.500 1.200H4.500" />
      </svg>
    </button>
  );
}

interface IReason {
  trans: TranslationBundle;
  onSend: (reason: string) => void;
  onCancel: () => void;
}

function Reason({ trans, onSend, onCancel }: IReason): ReactElement {
  const id = useId();
  const [reason, setReason] = useState('');
  return (
    <form
      className="mc-reason"
      data-lm-suppress-shortcuts="true"
      onSubmit={event => {
        event.preventDefault();
        onSend(reason.trim());
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onCancel();
        }
        // Inside a cell JupyterLab takes Enter from a field before it sends its form.
        const { target, nativeEvent } = event;
        if (
          event.key === 'Enter' &&
          target instanceof HTMLInputElement &&
          !nativeEvent.isComposing
        ) {
          event.preventDefault();
          onSend(reason.trim());
        }
      }}
    >
      <label htmlFor={id}>
        {trans.__('What was wrong? It is learnt from.')}
      </label>
      <input
        id={id}
        className="mc-reason-text"
        value={reason}
        maxLength={4000}
        placeholder={trans.__('optional')}
        autoFocus
        onChange={event => {
          setReason(event.target.value);
        }}
      />
      <button type="submit" className="mc-cell-act mc-mod-primary">
        {trans.__('Send')}
      </button>
      <button type="button" className="mc-cell-act" onClick={onCancel}>
        {trans.__('Cancel')}
      </button>
    </form>
  );
}
