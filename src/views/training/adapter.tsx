import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement, useState } from 'react';
import { answer } from '../../api/client';
import type { AdapterAccount, AdapterDetail } from '../../api/schema';
import { type AdapterWish, wishesFor } from '../../models/adapters';
import type { TrainingModel } from '../../models/training';
import { Ago } from '../ago';
import { useView } from '../context';
import { useLoaded, useResource, useSignal } from '../hooks';
import { Loaded } from '../notice';
import { Back } from './back';
import { Confirm } from '../confirm';
import { Gate } from './gate';
import { removeLater, tellMoved } from './told';
import { bytes, causeWord, gateSaid, statusWord, versionName } from './words';

interface IAdapterPage {
  version: number;
  model: TrainingModel;
}

/** One adapter: its files, what its gates said, when it served, and what may be done with it. */
export function AdapterPage({ version, model }: IAdapterPage): ReactElement {
  const { connection, trans } = useView();
  const detail = useLoaded(connection, `adapter/${String(version)}`, api =>
    answer(
      api.GET('/adapters/{version}', {
        params: { path: { version: String(version) } }
      })
    )
  );
  return (
    <>
      <Back label={trans.__('Training')} />
      <Loaded resource={detail}>
        {found => (
          <>
            <h3 className="mc-title">
              {trans.__('Adapter v%1', version)}
              {found.adapter.serving && ` · ${trans.__('● serves')}`}
            </h3>
            <p className="mc-reason">{found.adapter.reason}</p>
            <Acts
              adapter={found.adapter}
              model={model}
              refresh={() => {
                void detail.refresh();
              }}
            />
            <Facts detail={found} />
            {found.gates.map((gate, index) => (
              <Gate key={index} gate={gate} version={version} />
            ))}
            <Served detail={found} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Facts({ detail }: { detail: AdapterDetail }): ReactElement {
  const { trans } = useView();
  const { adapter } = detail;
  return (
    <dl className="mc-facts">
      <dt>{trans.__('Standing')}</dt>
      <dd>{statusWord(adapter.status, trans)}</dd>
      <dt>{trans.__('Model')}</dt>
      <dd>{adapter.base}</dd>
      <dt>{trans.__('Skills')}</dt>
      <dd>{`g${String(adapter.skill_generation)}`}</dd>
      <dt>{trans.__('Made')}</dt>
      <dd>{adapter.created_at !== null && <Ago at={adapter.created_at} />}</dd>
      <dt>{trans.__('Files')}</dt>
      <dd className={adapter.fault ? 'mc-bad' : ''}>
        {adapter.fault ||
          trans.__(
            '%1, as they were trained',
            bytes(adapter.bytes ?? 0, trans)
          )}
      </dd>
      <dt>{trans.__('SHA-256')}</dt>
      <dd>
        <code title={adapter.sha256}>{adapter.sha256.slice(0, 12)}</code>
      </dd>
    </dl>
  );
}

function Served({ detail }: { detail: AdapterDetail }): ReactElement | null {
  const { trans } = useView();
  if (detail.served.length === 0) {
    return null;
  }
  return (
    <section>
      <h4 className="mc-title">{trans.__('Served since')}</h4>
      <ul className="mc-plain">
        {detail.served.map(one => (
          <li key={one.number}>
            {one.at !== null && <Ago at={one.at} />}
            {`: ${causeWord(one.cause, trans)}. `}
            <span className="mc-quiet">{one.reason}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface IActs {
  adapter: AdapterAccount;
  model: TrainingModel;
  refresh: () => void;
}

function Acts({ adapter, model, refresh }: IActs): ReactElement {
  const { trans } = useView();
  const { changes } = model;
  const [wish, setWish] = useState<AdapterWish>();
  const account = useResource(model.account);
  useSignal(changes.changed);
  const { version } = adapter;

  if (changes.deleting.has(version)) {
    return (
      <p role="status">
        {trans.__('Adapter v%1 is being deleted.', version)}{' '}
        <button
          type="button"
          className="mc-link"
          onClick={() => {
            changes.keep(version);
          }}
        >
          {trans.__('Undo')}
        </button>
      </p>
    );
  }
  const run = async (reason: string): Promise<void> => {
    if (wish === 'delete') {
      void removeLater(version, changes, trans).then(refresh);
      return;
    }
    const moved =
      wish === 'promote'
        ? await changes.promote(version, reason)
        : await changes.rollBack(
            wish === 'before' || wish === 'base' ? wish : version,
            reason
          );
    tellMoved(moved, changes, trans);
    refresh();
  };
  return (
    <>
      <div className="mc-buttons">
        {wishesFor(adapter).map(one => (
          <button
            key={one}
            type="button"
            className="mc-button"
            aria-expanded={wish === one}
            onClick={() => {
              setWish(one === wish ? undefined : one);
            }}
          >
            {wishWord(one, trans)}
          </button>
        ))}
      </div>
      {wish && (
        <Confirm
          key={wish}
          question={question(
            wish,
            adapter,
            account.value?.serving ?? null,
            trans
          )}
          act={actWord(wish, trans)}
          reason={wish !== 'delete'}
          run={run}
          close={() => {
            setWish(undefined);
          }}
        />
      )}
    </>
  );
}

function wishWord(wish: AdapterWish, trans: TranslationBundle): string {
  switch (wish) {
    case 'promote':
      return trans.__('Promote…');
    case 'delete':
      return trans.__('Delete…');
    case 'before':
      return trans.__('Roll back…');
    case 'base':
      return trans.__('Use the base…');
    case 'again':
      return trans.__('Let it serve again…');
  }
}

function actWord(wish: AdapterWish, trans: TranslationBundle): string {
  switch (wish) {
    case 'promote':
      return trans.__('Promote');
    case 'delete':
      return trans.__('Delete');
    case 'before':
      return trans.__('Roll back');
    case 'base':
      return trans.__('Use the base');
    case 'again':
      return trans.__('Let it serve');
  }
}

/** What will happen. */
function question(
  wish: AdapterWish,
  adapter: AdapterAccount,
  serving: number | null,
  trans: TranslationBundle
): string {
  const { version } = adapter;
  const now = versionName(serving, trans);
  switch (wish) {
    case 'promote':
      return `${trans.__(
        'Adapter v%1 will answer from the next task on, in the place of %2. Tasks under way end as they began.',
        version,
        now
      )} ${gateSaid(adapter.gate, trans)} ${trans.__(
        'That you wanted it all the same is recorded.'
      )}`;
    case 'delete':
      return trans.__(
        'Adapter v%1 and its files (%2) will be deleted for good; what its gates said is kept. You have ten seconds to undo it.',
        version,
        bytes(adapter.bytes ?? 0, trans)
      );
    case 'before':
      return trans.__(
        'What served before adapter v%1 will answer again, from the next task on.',
        version
      );
    case 'base':
      return trans.__(
        'The base model, without any adapter, will answer from the next task on.'
      );
    case 'again':
      return trans.__(
        'Adapter v%1 will answer again from the next task on, in the place of %2.',
        version,
        now
      );
  }
}
