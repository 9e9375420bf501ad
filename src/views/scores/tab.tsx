import React, { type ReactElement, useRef } from 'react';
import { scoresOf } from '../../models/scores';
import { useView } from '../context';
import type { ITabBody } from '../tabs';
import { Filters } from './filters';
import { Tasks } from './tasks';
import { Trace } from './trace';
import { TrendTable } from './trend';

/** Whether it gets better, and the tasks; or one task, and why it went as it did. */
export function ScoresTab({ subject }: ITabBody): ReactElement {
  return subject === undefined ? (
    <Overview />
  ) : (
    <Trace key={subject} id={subject} />
  );
}

function Overview(): ReactElement {
  const { connection } = useView();
  const whole = useRef<HTMLDivElement>(null);
  const scores = scoresOf(connection);
  return (
    <div ref={whole} className="mc-scores">
      <Filters scores={scores} />
      <TrendTable trend={scores.trend} narrow={narrowTo} />
      <Tasks scores={scores} whole={whole} />
    </div>
  );

  function narrowTo(generation: number): void {
    scores.narrow({ ...scores.tasks.filter, generation });
  }
}
