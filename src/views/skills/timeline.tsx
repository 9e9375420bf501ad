import React, { type ReactElement, useState } from 'react';
import { answer } from '../../api/client';
import type { GenerationAccount } from '../../api/schema';
import { Pages } from '../../models/pages';
import { generationSubject } from '../../models/skillPlace';
import { Ago } from '../ago';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Empty, Loaded } from '../notice';
import { Pager } from '../pager';
import { Changed } from './changed';
import { Head } from './head';
import { causeInWords } from '../words';

const SHOWN = 20;
const NAMES = 3;

/** How the library came to be what it is: its generations, the newest first. */
export function Timeline(): ReactElement {
  const { connection, trans } = useView();
  const [pages] = useState(
    () =>
      new Pages<GenerationAccount>(connection, async (api, before) => {
        const query =
          before === undefined ? { limit: SHOWN } : { limit: SHOWN, before };
        const { generations, next } = await answer(
          api.GET('/generations', { params: { query } })
        );
        return { rows: generations, next };
      })
  );
  const page = useResource(pages.page);
  return (
    <>
      <Head title={trans.__('Generations')} />
      <Loaded resource={page}>
        {({ rows }) => (
          <>
            {rows.length === 1 && rows[0]?.number === 0 && (
              <Empty title={trans.__('The library has not changed yet')}>
                <p>
                  {trans.__(
                    'Each change makes a generation: a failure that is learnt from, a skill that you edit or import, a rollback. Each can be gone back to.'
                  )}
                </p>
              </Empty>
            )}
            <ol className="mc-timeline">
              {rows.map(generation => (
                <Entry key={generation.number} generation={generation} />
              ))}
            </ol>
            <Pager pages={pages} label={trans.__('Generations by the page')} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Entry({
  generation
}: {
  generation: GenerationAccount;
}): ReactElement {
  const { navigation, trans } = useView();
  const { number, cause, created_at: at, changes, evidence } = generation;
  return (
    <li className={generation.current ? 'mc-mod-current' : undefined}>
      <button
        type="button"
        className="mc-link"
        onClick={() => {
          navigation.go('skills', generationSubject(number));
        }}
      >
        {trans.__('g%1', number)}
      </button>{' '}
      {causeInWords(cause, trans)}{' '}
      {generation.current && <strong>{trans.__('current')} </strong>}
      {number > 0 && at !== null && (
        <span className="mc-quiet">
          <Ago at={at} />
        </span>
      )}
      {evidence.length > 0 && (
        <span className="mc-quiet">
          {' · '}
          {trans._n(
            'from one failure',
            'from %1 failures',
            evidence.length,
            evidence.length
          )}
        </span>
      )}
      {number > 0 && <Changed changes={changes} most={NAMES} />}
    </li>
  );
}
