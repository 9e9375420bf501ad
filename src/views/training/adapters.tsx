import React, { type ReactElement } from 'react';
import type { AdapterAccount } from '../../api/schema';
import type { TrainingModel } from '../../models/training';
import { Ago } from '../ago';
import { useView } from '../context';
import { useResource, useSignal } from '../hooks';
import { Empty, Loaded } from '../notice';
import { Pager } from '../pager';
import { bytes, statusWord, verdictWord } from './words';

/** The adapters that trainings made, the newest first. */
export function Adapters({ model }: { model: TrainingModel }): ReactElement {
  const { trans } = useView();
  const { adapters, changes } = model;
  const page = useResource(adapters.page);
  useSignal(changes.changed);
  return (
    <Loaded resource={page}>
      {({ rows }) =>
        rows.length === 0 ? (
          <Empty title={trans.__('No adapter yet')}>
            <p>
              {trans.__(
                'The base model answers. A training makes an adapter; it serves once its gate has passed.'
              )}
            </p>
          </Empty>
        ) : (
          <>
            <table className="mc-table">
              <thead>
                <tr>
                  <th scope="col">{trans.__('Adapter')}</th>
                  <th scope="col">{trans.__('Standing')}</th>
                  <th scope="col">{trans.__('Made')}</th>
                  <th scope="col" className="mc-number mc-wide">
                    {trans.__('Size')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map(adapter => (
                  <Row
                    key={adapter.version}
                    adapter={adapter}
                    deleting={changes.deleting.has(adapter.version)}
                    keep={() => {
                      changes.keep(adapter.version);
                    }}
                  />
                ))}
              </tbody>
            </table>
            <Pager pages={adapters} label={trans.__('Adapters')} />
          </>
        )
      }
    </Loaded>
  );
}

interface IRow {
  adapter: AdapterAccount;
  deleting: boolean;
  keep: () => void;
}

function Row({ adapter, deleting, keep }: IRow): ReactElement {
  const { navigation, trans } = useView();
  const { version, gate } = adapter;
  return (
    <tr className={deleting ? 'mc-deleting' : ''}>
      <th scope="row">
        <button
          type="button"
          className="mc-link"
          onClick={() => {
            navigation.go('training', `adapter/${String(version)}`);
          }}
        >
          {`v${String(version)}`}
        </button>
        <span className="mc-second">{`g${String(adapter.skill_generation)}`}</span>
      </th>
      <td>
        {deleting ? (
          <>
            {trans.__('is being deleted')}{' '}
            <button type="button" className="mc-link" onClick={keep}>
              {trans.__('Undo')}
            </button>
          </>
        ) : (
          <>
            {adapter.serving
              ? trans.__('● serves')
              : statusWord(adapter.status, trans)}
            {gate && (
              <span className="mc-second" title={gate.reason}>
                {verdictWord(gate.verdict, trans)}
              </span>
            )}
          </>
        )}
      </td>
      <td>{adapter.created_at !== null && <Ago at={adapter.created_at} />}</td>
      <td className="mc-number mc-wide">
        {adapter.bytes === null
          ? trans.__('files gone')
          : bytes(adapter.bytes, trans)}
      </td>
    </tr>
  );
}
