import React, { type ReactElement } from 'react';

const WIDTH = 60;
const HEIGHT = 10;
const DOT = 2.5;

interface IWhisker {
  mean: number | null;
  low: number | null;
  high: number | null;
}

/** A share with its interval, from 0 to 1, for those who see: its numbers stand beside it. */
export function Whisker({ mean, low, high }: IWhisker): ReactElement {
  if (mean === null || low === null || high === null) {
    return <></>;
  }
  const at = (share: number): number => DOT + share * (WIDTH - 2 * DOT);
  const middle = HEIGHT / 2;
  return (
    <svg
      className="mc-whisker"
      aria-hidden="true"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`}
    >
      <line
        className="mc-whisker-all"
        x1={at(0)}
        x2={at(1)}
        y1={middle}
        y2={middle}
      />
      <line x1={at(low)} x2={at(high)} y1={middle} y2={middle} />
      <circle cx={at(mean)} cy={middle} r={DOT} />
    </svg>
  );
}
