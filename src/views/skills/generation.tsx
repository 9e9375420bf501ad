import React, { type ReactElement, useState } from 'react';
import { answer } from '../../api/client';
import type { GenerationDetail } from '../../api/schema';
import { Ago } from '../ago';
import { useView } from '../context';
import { useLoaded } from '../hooks';
import { Loaded } from '../notice';
import { tellOutcome } from '../outcome';
import { Confirm } from '../confirm';
import { Changed, SkillLink } from './changed';
import { Difference } from './difference';
import { Failures } from './failures';
import { Head } from './head';
import { useSkillModels } from './models';
import { causeInWords } from '../words';

const NAMES = 20;
const MEMBERS = 60;

/** One generation: why it was made, what it changed, which skills it has, and the way back to it. */
export function GenerationPage({ number }: { number: number }): ReactElement {
  const { connection, trans } = useView();
  const detail = useLoaded(connection, `generation ${String(number)}`, api =>
    answer(
      api.GET('/generations/{number}', {
        params: { path: { number: String(number) } }
      })
    )
  );
  return (
    <>
      <Head title={trans.__('Generation g%1', number)} />
      <Loaded resource={detail}>
        {found => <Generation detail={found} />}
      </Loaded>
    </>
  );
}

type Panel = 'changed' | 'rollback' | undefined;

function Generation({ detail }: { detail: GenerationDetail }): ReactElement {
  const { trans } = useView();
  const { generation, failures, members } = detail;
  const {
    number,
    cause,
    created_at: at,
    skills,
    changes,
    current
  } = generation;
  const [panel, setPanel] = useState<Panel>();
  const close = (): void => {
    setPanel(undefined);
  };
  return (
    <>
      <p className="mc-generation-about">
        {causeInWords(cause, trans)}
        {number > 0 && at !== null && (
          <>
            {' · '}
            <Ago at={at} />
          </>
        )}
        {' · '}
        {trans._n('one skill', '%1 skills', skills, skills)}
        {current && <strong> · {trans.__('current')}</strong>}
      </p>
      {number > 0 && <Changed changes={changes} most={NAMES} />}
      <div className="mc-buttons">
        {number > 0 && (
          <button
            type="button"
            className="mc-button"
            aria-expanded={panel === 'changed'}
            onClick={() => {
              setPanel(panel === 'changed' ? undefined : 'changed');
            }}
          >
            {trans.__('What it changed')}
          </button>
        )}
        {!current && (
          <button
            type="button"
            className="mc-button"
            aria-expanded={panel === 'rollback'}
            onClick={() => {
              setPanel('rollback');
            }}
          >
            {trans.__('Roll back to it…')}
          </button>
        )}
      </div>
      {panel === 'changed' && <WhatChanged number={number} />}
      {panel === 'rollback' && <RollBack number={number} close={close} />}
      {failures.length > 0 && (
        <>
          <h4 className="mc-title">{trans.__('Learnt from')}</h4>
          <Failures failures={failures} count={failures.length} />
        </>
      )}
      {members.length > 0 && (
        <details className="mc-more">
          <summary>{trans.__('Its skills')}</summary>
          <ul className="mc-plain">
            {members.slice(0, MEMBERS).map(({ name }) => (
              <li key={name}>
                <SkillLink name={name} />
              </li>
            ))}
          </ul>
          {skills > MEMBERS && (
            <p className="mc-quiet">
              {trans.__('and %1 more', skills - MEMBERS)}
            </p>
          )}
        </details>
      )}
    </>
  );
}

function WhatChanged({ number }: { number: number }): ReactElement {
  const { connection } = useView();
  const difference = useLoaded(
    connection,
    `what changed ${String(number)}`,
    api =>
      answer(
        api.GET('/generations/{number}/difference', {
          params: {
            path: { number: String(number) },
            query: { against: number - 1 }
          }
        })
      )
  );
  return (
    <Loaded resource={difference}>
      {found => <Difference found={found} />}
    </Loaded>
  );
}

interface IRollBack {
  number: number;
  close: () => void;
}

function RollBack({ number, close }: IRollBack): ReactElement {
  const { connection, trans } = useView();
  const { acts } = useSkillModels();
  const preview = useLoaded(connection, `rollback ${String(number)}`, api =>
    answer(
      api.GET('/generations/{number}/difference', {
        params: { path: { number: String(number) } }
      })
    )
  );
  return (
    <Loaded resource={preview}>
      {found => (
        <>
          <h4 className="mc-title">
            {trans.__('A rollback to g%1 changes this', number)}
          </h4>
          <Difference found={found} />
          <Confirm
            question={trans.__(
              'The library becomes what it was in g%1, as a new generation. All later ones are kept, and you can undo it.',
              number
            )}
            act={trans.__('Roll back to g%1', number)}
            run={async () => {
              const act = await acts.rollBackLibrary(number);
              void tellOutcome(Promise.resolve(act), trans);
            }}
            close={close}
          />
        </>
      )}
    </Loaded>
  );
}
