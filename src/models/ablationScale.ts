/** A span of values that a figure shows, from `low` to `high`. */
export interface IScale {
  low: number;
  high: number;
  /** Where values are told, `low` and `high` among them. */
  ticks: readonly number[];
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1];

/** The most steps that a scale has: more labels than that run into each other in a narrow panel. */
const MOST = 5;

/** A scale that holds all values, on round numbers; without any it goes from 0 to 1. */
export function scaleOf(values: readonly (number | null)[]): IScale {
  const known = values.filter(value => value !== null);
  if (known.length === 0) {
    return { low: 0, high: 1, ticks: [0, 0.5, 1] };
  }
  const [least, most] = [Math.min(...known), Math.max(...known)];
  for (const step of STEPS) {
    const first = Math.floor(least / step + EPSILON);
    const last = Math.max(first + 1, Math.ceil(most / step - EPSILON));
    if (last - first <= MOST) {
      const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
        rounded((first + index) * step)
      );
      return { low: rounded(first * step), high: rounded(last * step), ticks };
    }
  }
  return { low: least, high: most, ticks: [least, most] };
}

const EPSILON = 1e-9;

/** Where a value is on a scale, from 0 to 1. */
export function placeOn(scale: IScale, value: number): number {
  return (value - scale.low) / (scale.high - scale.low);
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
