import React, { type ReactElement, useMemo } from 'react';
import { type TrainingModel, trainingOf } from '../../models/training';
import { useView } from '../context';
import type { ITabBody } from '../tabs';
import { AdapterPage } from './adapter';
import { Adapters } from './adapters';
import { RunPage } from './run';
import { Runs } from './runs';
import { Standing } from './standing';
import { Windows } from './windows';

/** Training: how it stands, or the run or adapter that is opened. */
export function TrainingTab({ subject }: ITabBody): ReactElement {
  const { connection } = useView();
  const model = useMemo(() => trainingOf(connection), [connection]);
  const [kind, text] = subject?.split('/') ?? [];
  const number = Number(text);
  const known = Number.isSafeInteger(number) && number > 0;
  return (
    <div className="mc-training">
      {known && kind === 'run' ? (
        <RunPage key={subject} number={number} />
      ) : known && kind === 'adapter' ? (
        <AdapterPage key={subject} version={number} model={model} />
      ) : (
        <Overview model={model} />
      )}
    </div>
  );
}

function Overview({ model }: { model: TrainingModel }): ReactElement {
  const { trans } = useView();
  return (
    <>
      <Standing model={model} />
      <h3 className="mc-title">{trans.__('Adapters')}</h3>
      <Adapters model={model} />
      <h3 className="mc-title">{trans.__('Runs')}</h3>
      <Runs runs={model.runs} />
      <h3 className="mc-title">{trans.__('Windows')}</h3>
      <Windows windows={model.windows} />
    </>
  );
}
