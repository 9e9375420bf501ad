import React, { type ReactElement } from 'react';
import type { RunRow } from '../../api/schema';
import type { Pages } from '../../models/pages';
import { Ago } from '../ago';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Empty, Loaded } from '../notice';
import { Pager } from '../pager';
import { signed, stateWord, verdictWord } from './words';

/** The runs that ever began, the newest first. */
export function Runs({ runs }: { runs: Pages<RunRow> }): ReactElement {
  const { trans } = useView();
  const page = useResource(runs.page);
  return (
    <Loaded resource={page}>
      {({ rows }) =>
        rows.length === 0 ? (
          <Empty title={trans.__('No run yet')}>
            <p>
              {trans.__(
                'Give tasks with --check; when enough of them wait, a window trains on them, or the button above does.'
              )}
            </p>
          </Empty>
        ) : (
          <>
            <table className="mc-table">
              <thead>
                <tr>
                  <th scope="col">{trans.__('Run')}</th>
                  <th scope="col">{trans.__('State')}</th>
                  <th scope="col" className="mc-number">
                    {trans.__('Reward')}
                  </th>
                  <th scope="col" className="mc-number mc-wide">
                    {trans.__('Steps')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map(run => (
                  <Row key={run.number} run={run} />
                ))}
              </tbody>
            </table>
            <Pager pages={runs} label={trans.__('Runs')} />
          </>
        )
      }
    </Loaded>
  );
}

function Row({ run }: { run: RunRow }): ReactElement {
  const { navigation, trans } = useView();
  return (
    <tr title={run.reason}>
      <th scope="row">
        <button
          type="button"
          className="mc-link"
          onClick={() => {
            navigation.go('training', `run/${String(run.number)}`);
          }}
        >
          {trans.__('run %1', run.number)}
        </button>
        <span className="mc-second">
          {run.changed_at !== null && <Ago at={run.changed_at} />}
        </span>
      </th>
      <td>
        {stateWord(run.state, trans)}
        {run.adapter !== null && (
          <span className="mc-second">
            {`v${String(run.adapter)}`}
            {run.verdict && ` ${verdictWord(run.verdict, trans)}`}
          </span>
        )}
      </td>
      <td className="mc-number">{signed(run.reward)}</td>
      <td className="mc-number mc-wide">
        {trans.__('%1 of %2', run.steps_done, run.steps)}
      </td>
    </tr>
  );
}
