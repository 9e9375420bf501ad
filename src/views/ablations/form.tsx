import React, {
  type FormEvent,
  type ReactElement,
  useId,
  useState
} from 'react';
import type { NumberField } from '../../models/ablationDraft';
import { runSubject } from '../../models/ablationPlace';
import type { Ablations } from '../../models/ablations';
import type { AblationChoices } from '../../api/schema';
import { useView } from '../context';
import { useResource, useSignal } from '../hooks';
import { Loaded, Trouble } from '../notice';
import { Arms } from './arms';
import { Reckoned } from './reckoned';
import { Tasks } from './tasks';
import { Up } from './up';
import { fieldName, obstacleInWords } from './words';

/** An ablation that is written down: what is chosen outlives the page. */
export function NewAblation({ model }: { model: Ablations }): ReactElement {
  const { trans } = useView();
  const options = useResource(model.options);
  return (
    <>
      <Up label={trans.__('Ablations')} />
      <h3 className="mc-title">{trans.__('New ablation')}</h3>
      <Loaded resource={options}>
        {found => <Form model={model} options={found} />}
      </Loaded>
    </>
  );
}

interface IForm {
  model: Ablations;
  options: AblationChoices;
}

function Form({ model, options }: IForm): ReactElement {
  const { navigation, trans } = useView();
  const { draft } = model;
  useSignal(draft.changed);
  draft.begin(options);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const told = useId();
  const obstacle = draft.obstacle(options);

  const start = async (): Promise<void> => {
    const request = draft.request(options);
    if (busy || !request) {
      return;
    }
    setBusy(true);
    setFailure(undefined);
    try {
      const number = await model.start(request);
      draft.end();
      navigation.go('ablations', runSubject(number));
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
      setBusy(false);
    }
  };
  return (
    <form
      className="mc-ablation-form"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        void start();
      }}
    >
      <Arms draft={draft} options={options} />
      <Tasks draft={draft} options={options} />
      <Numbers model={model} />
      <Reckoned draft={draft} options={options} />
      <div className="mc-buttons">
        <button
          type="submit"
          className="mc-button mc-button-main"
          aria-disabled={busy || obstacle !== undefined}
          aria-busy={busy}
          aria-describedby={told}
        >
          {trans.__('Start')}
        </button>
      </div>
      <p id={told} className="mc-quiet" role="status">
        {obstacle !== undefined && obstacleInWords(obstacle, trans)}
      </p>
      {failure && <Trouble error={failure} />}
    </form>
  );
}

const FIELDS: readonly NumberField[] = [
  'n',
  'seeds',
  'samples',
  'days',
  'minutes',
  'tokens'
];

/** Those that may be left empty. */
const FREE: readonly NumberField[] = ['days', 'minutes', 'tokens'];

/** How much is done, and how long at most. */
function Numbers({ model: { draft } }: { model: Ablations }): ReactElement {
  const { trans } = useView();
  return (
    <fieldset className="mc-ablation-numbers">
      <legend className="mc-title">{trans.__('How much')}</legend>
      {FIELDS.map(field => (
        <label key={field}>
          {fieldName(field, trans)}
          <input
            className="mc-field"
            inputMode="decimal"
            value={draft.numbers[field]}
            placeholder={FREE.includes(field) ? trans.__('none') : ''}
            title={field === 'days' ? daysHint(trans) : ''}
            onChange={event => {
              draft.type(field, event.target.value);
            }}
          />
        </label>
      ))}
      <p className="mc-quiet">{daysHint(trans)}</p>
    </fieldset>
  );
}

function daysHint(trans: ReturnType<typeof useView>['trans']): string {
  return trans.__(
    'With days, each arm begins in a home of its own and learns from a stream of tasks, day by day; without, nothing is learnt.'
  );
}
