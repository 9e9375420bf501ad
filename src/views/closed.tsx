import React, { type ReactElement } from 'react';
import { useView } from './context';
import { Copyable } from './copyable';
import { Empty } from './notice';

/** What stands in the panel where the server serves nothing: why, and what to do. */
export function Closed(): ReactElement {
  const { connection, trans } = useView();
  const { failure, state } = connection;
  return (
    <>
      {state === 'absent' ? (
        <Empty title={trans.__('The server has no MetaClaw extension')}>
          <p>
            {trans.__(
              'Install it where the Jupyter server runs, and start the server again:'
            )}
          </p>
          <Copyable command="pip install metaclaw-jlab" />
          <p>{trans.__('Where it is installed and switched off:')}</p>
          <Copyable command="jupyter server extension enable metaclaw_jlab" />
        </Empty>
      ) : (
        <Empty title={failure?.message ?? trans.__('Nothing is served')}>
          <p>{failure?.nextStep}</p>
        </Empty>
      )}
      <button
        type="button"
        className="mc-button"
        onClick={() => {
          void connection.look();
        }}
      >
        {trans.__('Look again')}
      </button>
    </>
  );
}
