import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import React, { type ReactElement } from 'react';
import type { Connection } from '../models/connection';
import type { Overview } from '../models/overview';
import { CommandIDs } from '../tokens';
import { useResource, useSignal } from './hooks';
import { standingOf } from './words';

/** Where training stands and the skill generation, in a word each; a click opens the sidebar. */
export class StatusItem extends ReactWidget {
  constructor(
    private readonly _connection: Connection,
    private readonly _overview: Overview,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('mc-status');
  }

  protected override render(): ReactElement {
    return (
      <Item
        connection={this._connection}
        overview={this._overview}
        trans={this._trans}
        open={() => {
          void this._commands.execute(CommandIDs.openSidebar);
        }}
      />
    );
  }
}

interface IItem {
  connection: Connection;
  overview: Overview;
  trans: TranslationBundle;
  open: () => void;
}

function Item({ connection, overview, trans, open }: IItem): ReactElement {
  useSignal(connection.stateChanged);
  const schedule = useResource(overview.schedule).value;
  const status = useResource(overview.status).value;
  const gone = connection.state === 'gone';
  const standing = schedule && standingOf(schedule, trans);
  const generation = status?.skill_generation ?? null;
  const word = gone ? trans.__('no answer') : (standing?.word ?? '');
  return (
    <button
      type="button"
      className="mc-status-button"
      title={
        gone
          ? trans.__('The server does not answer.')
          : (schedule?.sentence ?? trans.__('Open MetaClaw'))
      }
      onClick={open}
    >
      <span aria-hidden="true">{gone ? '✕' : (standing?.sign ?? '○')}</span>{' '}
      {trans.__('MetaClaw')}
      {word && `: ${word}`}
      {generation !== null && ` · g${String(generation)}`}
    </button>
  );
}
