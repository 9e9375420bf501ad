import React, { type ReactElement, useLayoutEffect, useRef } from 'react';
import { answer } from '../../api/client';
import type { Account } from '../../api/schema';
import { outcomeOf, wordOf } from '../../models/scores';
import { Ago } from '../ago';
import { useView } from '../context';
import { useLoaded } from '../hooks';
import { NotebookLink } from '../notebookLink';
import { Loaded } from '../notice';
import { Checks } from './checks';
import { usePanel } from './panel';
import { OutcomeSign } from './sign';
import { Skills } from './skills';
import { Steps } from './steps';
import { TheWord } from './word';
import { scoreWord } from './words';

/** Why a task went as it did. */
export function Trace({ id }: { id: string }): ReactElement {
  const { connection, navigation, trans } = useView();
  const view = useRef<HTMLElement>(null);
  const panel = usePanel(view);
  const account = useLoaded(connection, id, api =>
    answer(api.GET('/tasks/{id}', { params: { path: { id } } }))
  );
  useLayoutEffect(() => {
    if (panel) {
      panel.scrollTop = 0;
    }
  }, [panel]);
  return (
    <article
      ref={view}
      className="mc-trace"
      aria-label={trans.__('Why this answer')}
    >
      <button
        type="button"
        className="mc-link"
        onClick={() => {
          if (navigation.canGoBack) {
            navigation.back();
          } else {
            navigation.go('scores');
          }
        }}
      >
        <span aria-hidden="true">‹ </span>
        {navigation.canGoBack ? trans.__('Back') : trans.__('Scores')}
      </button>
      <Loaded resource={account}>
        {found => (
          <>
            <Head account={found} />
            <TheWord
              account={found}
              heard={() => {
                void account.refresh();
              }}
            />
            <Skills account={found} />
            <Steps steps={found.steps} />
            <Checks checks={found.checks} />
            <Facts account={found} />
          </>
        )}
      </Loaded>
    </article>
  );
}

function Head({ account }: { account: Account }): ReactElement {
  const { trans } = useView();
  const said = wordOf(account.reward);
  const score = account.reward ? scoreWord(account.reward, trans) : '';
  return (
    <header>
      <h3 className="mc-title mc-trace-task" dir="auto">
        {account.task}
      </h3>
      <p className="mc-trace-end">
        <OutcomeSign
          outcome={outcomeOf({
            stop: account.stop,
            score: account.reward,
            said
          })}
        />{' '}
        {account.outcome}
        {score && <span className="mc-trace-value"> · {score}</span>}
        {account.reward?.reason && (
          <span className="mc-quiet" dir="auto">
            {' '}
            “{account.reward.reason}”
          </span>
        )}
      </p>
      <p className="mc-quiet">
        <Ago at={account.created_at ?? 0} />
        {' · '}
        {account.turn ? (
          account.asked
        ) : (
          <NotebookLink notebook={account.notebook} cell={account.cell_id} />
        )}
      </p>
    </header>
  );
}

function Facts({ account }: { account: Account }): ReactElement {
  const { trans } = useView();
  const { aftermath } = account;
  const facts: [string, string][] = [
    [trans.__('Policy'), account.model],
    [
      trans.__('Adapter'),
      account.adapter === null
        ? trans.__('none')
        : `v${String(account.adapter)}`
    ],
    [trans.__('Skills of'), `g${String(account.skill_generation)}`],
    [
      trans.__('Tokens'),
      trans.__(
        '%1 read, %2 written',
        account.prompt_tokens,
        account.completion_tokens
      )
    ],
    [
      trans.__('Time'),
      trans.__(
        'policy %1 s, code %2 s',
        (account.policy_seconds ?? 0).toFixed(1),
        (account.run_seconds ?? 0).toFixed(1)
      )
    ],
    [trans.__('Used for'), account.role_in_words]
  ];
  if (aftermath?.became) {
    facts.push([trans.__('Learnt'), aftermath.became]);
  }
  return (
    <section>
      <h4 className="mc-title">{trans.__('Under what it ran')}</h4>
      <dl className="mc-facts">
        {facts.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd dir="auto">{value}</dd>
          </React.Fragment>
        ))}
        {aftermath && aftermath.said.length > 0 && (
          <>
            <dt>{trans.__('Said of it')}</dt>
            {aftermath.said.map((said, index) => (
              <dd key={index} dir="auto">
                {said}
              </dd>
            ))}
          </>
        )}
      </dl>
    </section>
  );
}
