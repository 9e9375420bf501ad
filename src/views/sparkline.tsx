import React, { type ReactElement } from 'react';

const HEIGHT = 14;
const STEP = 5;

interface ISparkline {
  /** What is drawn, in order; null where there is nothing. */
  values: readonly (number | null)[];
  lowest: number;
  highest: number;
  /** The same in words. */
  label: string;
}

/** A small line of bars, for those who see; `label` for those who hear. */
export function Sparkline({
  values,
  lowest,
  highest,
  label
}: ISparkline): ReactElement {
  const span = highest - lowest || 1;
  const width = Math.max(1, values.length) * STEP;
  return (
    <svg
      className="mc-sparkline"
      role="img"
      aria-label={label}
      width={width}
      height={HEIGHT}
      viewBox={`0 0 ${String(width)} ${String(HEIGHT)}`}
    >
      <title>{label}</title>
      {values.map((value, index) => {
        if (value === null) {
          return null;
        }
        const share = Math.min(1, Math.max(0, (value - lowest) / span));
        const height = 1 + share * (HEIGHT - 1);
        return (
          <rect
            key={index}
            x={index * STEP}
            y={HEIGHT - height}
            width={STEP - 1}
            height={height}
          />
        );
      })}
    </svg>
  );
}
