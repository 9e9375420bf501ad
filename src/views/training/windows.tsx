import React, { type ReactElement } from 'react';
import type { Window } from '../../api/schema';
import type { Pages } from '../../models/pages';
import { Ago } from '../ago';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Empty, Loaded } from '../notice';
import { Pager } from '../pager';
import { closedBy, duration } from './words';

/** The log of windows: when training might run by itself, why it began and ended, and how fast it made way. */
export function Windows({ windows }: { windows: Pages<Window> }): ReactElement {
  const { trans } = useView();
  const page = useResource(windows.page);
  return (
    <Loaded resource={page}>
      {({ rows }) =>
        rows.length === 0 ? (
          <Empty title={trans.__('No window yet')}>
            <p>
              {trans.__(
                'A window opens by itself when nobody works here. What it was used for is listed then.'
              )}
            </p>
          </Empty>
        ) : (
          <>
            <table className="mc-table">
              <thead>
                <tr>
                  <th scope="col">{trans.__('Opened')}</th>
                  <th scope="col">{trans.__('Closed by')}</th>
                  <th scope="col" className="mc-number">
                    {trans.__('Trained')}
                  </th>
                  <th scope="col" className="mc-number mc-wide">
                    {trans.__('Made way in')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map(one => (
                  <Row key={one.number} window={one} />
                ))}
              </tbody>
            </table>
            <Pager pages={windows} label={trans.__('Windows')} />
          </>
        )
      }
    </Loaded>
  );
}

function Row({ window }: { window: Window }): ReactElement {
  const { navigation, trans } = useView();
  const { run } = window;
  return (
    <tr>
      <th scope="row">
        {window.opened_at !== null && <Ago at={window.opened_at} />}
        <span className="mc-second">
          {trans.__('by %1', window.opened_by.join(', '))}
        </span>
      </th>
      <td>
        {closedBy(window, trans)}
        {run !== null && (
          <span className="mc-second">
            <button
              type="button"
              className="mc-link"
              onClick={() => {
                navigation.go('training', `run/${String(run)}`);
              }}
            >
              {trans.__('run %1', run)}
            </button>
          </span>
        )}
      </td>
      <td className="mc-number">{duration(window.used_seconds, trans)}</td>
      <td className="mc-number mc-wide">
        {duration(window.yield_seconds, trans)}
      </td>
    </tr>
  );
}
