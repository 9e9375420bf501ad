import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement, useState } from 'react';
import type { RunAccount, TrainingAccount } from '../../api/schema';
import { thinned } from '../../models/curves';
import {
  type TrainingModel,
  type TrainingWish,
  wishesOf
} from '../../models/training';
import { Ago } from '../ago';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Loaded } from '../notice';
import { tellOutcome } from '../outcome';
import { Sparkline } from '../sparkline';
import { Confirm } from '../confirm';
import { Gate } from './gate';
import { Run } from './run';
import { signed, stateWord, versionName } from './words';

const SPARKS = 16;

/** How training stands now: in a sentence, what it lacks, and the run that is not over, or the one before. */
export function Standing({ model }: { model: TrainingModel }): ReactElement {
  const { trans } = useView();
  const account = useResource(model.account);
  return (
    <Loaded resource={account}>
      {found => (
        <>
          <p className="mc-reason">{found.sentence}</p>
          <Wishes account={found} model={model} />
          <Facts account={found} />
          {found.run ? (
            <>
              <h3 className="mc-title">
                {trans.__(
                  'Run %1: %2',
                  found.run.number,
                  stateWord(found.run.state, trans)
                )}
              </h3>
              <Run run={found.run} />
            </>
          ) : (
            found.recent[0] && <LastRun run={found.recent[0]} />
          )}
        </>
      )}
    </Loaded>
  );
}

/** The run before, in short: its reward, and what its gate said. */
function LastRun({ run }: { run: RunAccount }): ReactElement {
  const { navigation, trans } = useView();
  const { reward } = run.curves;
  const sparks = thinned(reward.length, SPARKS).map(
    place => reward[place] ?? null
  );
  const known = sparks.filter(value => value !== null);
  const last = reward.at(-1) ?? null;
  return (
    <>
      <h3 className="mc-title">{trans.__('The last run')}</h3>
      <p className="mc-last-run">
        <button
          type="button"
          className="mc-link"
          onClick={() => {
            navigation.go('training', `run/${String(run.number)}`);
          }}
        >
          {trans.__('run %1', run.number)}
        </button>
        <span>{stateWord(run.state, trans)}</span>
        {last !== null && (
          <>
            <Sparkline
              values={sparks}
              lowest={Math.min(0, ...known)}
              highest={Math.max(0, ...known)}
              label={trans.__(
                'reward from %1 to %2',
                signed(reward[0] ?? null),
                signed(last)
              )}
            />
            <span className="mc-number">
              {trans.__('reward %1', signed(last))}
            </span>
          </>
        )}
        {run.changed_at !== null && (
          <span className="mc-quiet">
            <Ago at={run.changed_at} />
          </span>
        )}
      </p>
      {run.gate && <Gate gate={run.gate} version={run.adapter} />}
    </>
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
            {', '}
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

function Wishes({ account, model }: IWishes): ReactElement | null {
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
  const wishes = wishesOf(account);
  if (wishes.length === 0) {
    return null;
  }
  return (
    <>
      <div className="mc-buttons">
        {wishes.map((wish, index) => (
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
    case 'resume':
      return trans.__('Resume');
    case 'abandon':
      return trans.__('Give up…');
  }
}
