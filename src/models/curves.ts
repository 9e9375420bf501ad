import type { Curves } from '../api/schema';

export type LineId = 'reward' | 'query' | 'replay' | 'kl' | 'loss' | 'entropy';
export type FigureId = 'reward' | 'kl' | 'loss' | 'entropy';

/** One line of a figure; null where a step has no value. */
export interface ILine {
  id: LineId;
  values: readonly (number | null)[];
}

/** Lines that share an axis, over the steps of a run. */
export interface IFigure {
  id: FigureId;
  lines: readonly ILine[];
}

/** What is drawn of a run: most of what is told of it. */
export function figuresOf(curves: Curves): readonly IFigure[] {
  return columnsOf(curves).filter(({ id }) => id !== 'entropy');
}

/** All that is told of a run, without lines that have no value at all. */
export function columnsOf(curves: Curves): readonly IFigure[] {
  const figures: readonly IFigure[] = [
    {
      id: 'reward',
      lines: [
        { id: 'reward', values: curves.reward },
        { id: 'query', values: curves.query_reward },
        { id: 'replay', values: curves.replay_reward }
      ]
    },
    { id: 'kl', lines: [{ id: 'kl', values: curves.kl }] },
    { id: 'loss', lines: [{ id: 'loss', values: curves.loss }] },
    { id: 'entropy', lines: [{ id: 'entropy', values: curves.entropy }] }
  ];
  return figures
    .map(({ id, lines }) => ({ id, lines: lines.filter(hasValue) }))
    .filter(({ lines }) => lines.length > 0);
}

/** At most `most` of `count` places, evenly taken, the first and the last among them. */
export function thinned(count: number, most: number): readonly number[] {
  if (count <= most) {
    return Array.from({ length: count }, (_, index) => index);
  }
  return Array.from({ length: most }, (_, index) =>
    Math.round((index * (count - 1)) / (most - 1))
  );
}

/** The newest value of a line; null where there is none. */
export function newest(line: ILine): number | null {
  const known = line.values.filter(value => value !== null);
  return known.at(-1) ?? null;
}

function hasValue(line: ILine): boolean {
  return line.values.some(value => value !== null);
}
