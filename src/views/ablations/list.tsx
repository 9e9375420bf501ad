import React, { type ReactElement } from 'react';
import { NEW_ABLATION, runSubject } from '../../models/ablationPlace';
import type { Ablations } from '../../models/ablations';
import type { AblationRow } from '../../api/schema';
import { Ago } from '../ago';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Empty, Loaded } from '../notice';
import { Pager } from '../pager';
import { Progress } from './progress';
import { isLive, stateInWords } from './words';

/** The ablations of this home, the newest first. */
export function RunList({ model }: { model: Ablations }): ReactElement {
  const { navigation, trans } = useView();
  const page = useResource(model.runs.page);
  return (
    <Loaded resource={page}>
      {({ rows }) =>
        rows.length === 0 ? (
          <Nothing />
        ) : (
          <>
            <div className="mc-buttons">
              <button
                type="button"
                className="mc-button mc-button-main"
                onClick={() => {
                  navigation.go('ablations', NEW_ABLATION);
                }}
              >
                {trans.__('New ablation')}
              </button>
            </div>
            <Rows runs={rows} />
            <Pager pages={model.runs} label={trans.__('Ablations')} />
          </>
        )
      }
    </Loaded>
  );
}

/** What an ablation is, and the first one. */
function Nothing(): ReactElement {
  const { navigation, trans } = useView();
  return (
    <Empty title={trans.__('What is each part of the agent worth?')}>
      <p>
        {trans.__(
          'An ablation does the same tasks again on a frozen copy of this home, with a part and without it, and compares them task by task. It says what is shown, with its uncertainty, or that no difference is shown. It teaches the agent nothing and changes nothing here.'
        )}
      </p>
      <p>
        {trans.__(
          'The first one to run: baseline (no skills, no adapter), skills alone, and full (skills and the adapter), on practice tasks.'
        )}
      </p>
      <div className="mc-buttons">
        <button
          type="button"
          className="mc-button mc-button-main"
          onClick={() => {
            navigation.go('ablations', NEW_ABLATION);
          }}
        >
          {trans.__('New ablation')}
        </button>
      </div>
    </Empty>
  );
}

function Rows({ runs }: { runs: readonly AblationRow[] }): ReactElement {
  const { trans } = useView();
  return (
    <ul className="mc-list" role="list" aria-label={trans.__('Ablations')}>
      {runs.map(run => (
        <Row key={run.number} run={run} />
      ))}
    </ul>
  );
}

function Row({ run }: { run: AblationRow }): ReactElement {
  const { navigation, trans } = useView();
  const { sign, word } = stateInWords(run.state, trans);
  const live = isLive(run.state);
  return (
    <li className="mc-ablation-row">
      <p className="mc-ablation-head">
        <button
          type="button"
          className="mc-link"
          onClick={() => {
            navigation.go('ablations', runSubject(run.number));
          }}
        >
          {trans.__('%1: %2', run.number, run.arms.join(', '))}
        </button>
        <span
          className={live ? 'mc-number mc-good' : 'mc-number'}
          title={run.reason}
        >
          <span aria-hidden="true">{sign}</span> {word}
        </span>
      </p>
      <p className="mc-quiet">
        {run.tasks}
        {' · '}
        <Ago at={run.created_at ?? 0} />
        {!live &&
          run.done < run.of &&
          ` · ${trans.__('%1 of %2 attempts', run.done, run.of)}`}
      </p>
      {run.verdict && <p>{run.verdict}</p>}
      {live && (
        <Progress
          number={run.number}
          done={run.done}
          of={run.of}
          eta={run.eta_seconds}
        />
      )}
    </li>
  );
}
