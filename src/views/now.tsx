import React, { type ReactElement } from 'react';
import { answer } from '../api/client';
import { useView } from './context';
import { useLoaded } from './hooks';
import { Loaded } from './notice';

/** What the agent is, knows and does at this moment. */
export function NowTab(): ReactElement {
  const { connection, trans } = useView();
  const status = useLoaded(connection, 'status', api =>
    answer(api.GET('/status'))
  );
  return (
    <Loaded resource={status}>
      {found => (
        <dl className="mc-facts">
          <dt>{trans.__('Policy')}</dt>
          <dd>{found.policy}</dd>
          <dt>{trans.__('Windows')}</dt>
          <dd>{found.schedule}</dd>
        </dl>
      )}
    </Loaded>
  );
}
