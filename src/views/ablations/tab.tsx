import React, { type ReactElement, useMemo } from 'react';
import { placeOf } from '../../models/ablationPlace';
import { type Ablations, ablationsOf } from '../../models/ablations';
import { useView } from '../context';
import type { ITabBody } from '../tabs';
import { NewAblation } from './form';
import { GridPage } from './gridPage';
import { RunList } from './list';
import { PairPage } from './pairPage';
import { RunPage } from './run';

/** Ablations: what each part of the agent is worth, as the same tasks tell that are done with it and without. */
export function AblationsTab({ subject }: ITabBody): ReactElement {
  const { connection } = useView();
  const model = useMemo(() => ablationsOf(connection), [connection]);
  return (
    <div className="mc-ablations">
      <Place key={subject} subject={subject} model={model} />
    </div>
  );
}

interface IPlaceView {
  subject: string | undefined;
  model: Ablations;
}

function Place({ subject, model }: IPlaceView): ReactElement {
  const place = placeOf(subject);
  switch (place.kind) {
    case 'list':
      return <RunList model={model} />;
    case 'new':
      return <NewAblation model={model} />;
    case 'run':
      return <RunPage model={model} number={place.number} />;
    case 'grid':
      return <GridPage model={model} number={place.number} />;
    case 'task':
      return <PairPage model={model} number={place.number} task={place.task} />;
  }
}
