import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement, useState } from 'react';
import type { TrainingAccount } from '../../api/schema';
import {
  type TrainingModel,
  type TrainingWish,
  wishesOf
} from '../../models/training';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Loaded } from '../notice';
import { tellOutcome } from '../outcome';
import { Confirm } from './confirm';
import { Run } from './run';
import { stateWord, versionName } from './words';

/** How training stands now: in a sentence, what it lacks, and the run that is not over, or the one before. */
export function Standing({ model }: { model: TrainingModel }): ReactElement {
  const { trans } = useView();
  const account = useResource(model.account);
  return (
    <Loaded resource={account}>
      {found => {
        const run = found.run ?? found.recent[0];
        return (
          <>
            <h3 className="mc-title">{trans.__('Now')}</h3>
            <p className="mc-reason" role="status">
              {found.sentence}
            </p>
            <Wishes account={found} model={model} />
            <Facts account={found} />
            {run && (
              <>
                <h3 className="mc-title">
                  {trans.__(
                    'Run %1: %2',
                    run.number,
                    stateWord(run.state, trans)
                  )}
                </h3>
                <Run run={run} />
              </>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function Facts({ account }: { account: TrainingAccount }): ReactElement {
  const { navigation, trans } = useView();
  const { counts, serving } = account;
  return (
    <>
      <dl className="mc-facts">
        <dt>{trans.__('Serves')}</dt>
        <dd>
          {serving === null ? (
            trans.__('the base, without adapter')
          ) : (
            <button
              type="button"
              className="mc-link"
              onClick={() => {
                navigation.go('training', `adapter/${String(serving)}`);
              }}
            >
              {versionName(serving, trans)}
            </button>
          )}
        </dd>
        <dt>{trans.__('Waiting')}</dt>
        <dd>
          {trans._n('%1 task', '%1 tasks', counts.waiting)}
          <span className="mc-quiet">
            {' '}
            {trans.__('%1 held out for gates', counts.held_out)}
          </span>
        </dd>
      </dl>
      {account.missing.length > 0 && (
        <ul className="mc-plain mc-missing">
          {account.missing.map(sentence => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
    </>
  );
}

interface IWishes {
  account: TrainingAccount;
  model: TrainingModel;
}

function Wishes({ account, model }: IWishes): ReactElement {
  const { trans } = useView();
  const [busy, setBusy] = useState<TrainingWish>();
  const [asks, setAsks] = useState(false);

  const grant = async (wish: TrainingWish): Promise<void> => {
    setBusy(wish);
    const told = model.wish(wish).then(sentence => ({ told: sentence }));
    await tellOutcome(told, trans);
    setBusy(undefined);
  };
  const click = (wish: TrainingWish): void => {
    if (busy) {
      return;
    }
    if (wish === 'abandon') {
      setAsks(!asks);
    } else {
      void grant(wish);
    }
  };
  return (
    <>
      <div className="mc-buttons">
        {wishesOf(account).map((wish, index) => (
          <button
            key={wish}
            type="button"
            className={index === 0 ? 'mc-button mc-button-main' : 'mc-button'}
            aria-disabled={busy !== undefined}
            onClick={() => {
              click(wish);
            }}
          >
            {wish === busy ? trans.__('One moment…') : wishWord(wish, trans)}
          </button>
        ))}
      </div>
      {asks && account.run && (
        <Confirm
          question={trans.__(
            'Run %1 will be given up at step %2 of %3: it cannot be resumed, and its tasks are not trained on again.',
            account.run.number,
            account.run.steps_done,
            account.run.steps
          )}
          act={trans.__('Give it up')}
          run={() => grant('abandon')}
          close={() => {
            setAsks(false);
          }}
        />
      )}
    </>
  );
}

function wishWord(wish: TrainingWish, trans: TranslationBundle): string {
  switch (wish) {
    case 'start':
      return trans.__('Train now');
    case 'stop':
      return trans.__('Stop');
    case 'resume':
      return trans.__('Resume');
    case 'abandon':
      return trans.__('Give up…');
  }
}
