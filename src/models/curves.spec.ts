import type { Curves } from '../api/schema';
import { columnsOf, figuresOf, newest, thinned } from './curves';

const CURVES: Curves = {
  step: [1, 2, 3],
  reward: [-0.5, 0, 0.25],
  query_reward: [null, 0.1, null],
  replay_reward: [null, null, null],
  loss: [0.5, 0.4, null],
  kl: [null, null, null],
  entropy: [],
  completion_tokens: [40, 40, 40]
};

describe('figuresOf', () => {
  it('leaves out what no step has', () => {
    const figures = figuresOf(CURVES);
    expect(figures.map(({ id }) => id)).toEqual(['reward', 'loss']);
    expect(figures[0]?.lines.map(({ id }) => id)).toEqual(['reward', 'query']);
  });
});

describe('columnsOf', () => {
  it('has what is told and not drawn, too', () => {
    const told = { ...CURVES, entropy: [1.2, 1.1, 1] };
    expect(columnsOf(told).map(({ id }) => id)).toContain('entropy');
    expect(figuresOf(told).map(({ id }) => id)).not.toContain('entropy');
  });
});

describe('newest', () => {
  it('is the last value that is known', () => {
    expect(newest({ id: 'loss', values: CURVES.loss })).toBe(0.4);
    expect(newest({ id: 'kl', values: [null] })).toBeNull();
  });
});

describe('thinned', () => {
  it('takes all of a few', () => {
    expect(thinned(3, 40)).toEqual([0, 1, 2]);
    expect(thinned(0, 40)).toEqual([]);
  });

  it('takes so many of many, in order, each once, with both ends', () => {
    for (const count of [41, 79, 1000, 12_345]) {
      const places = thinned(count, 40);
      expect(places).toHaveLength(40);
      expect(new Set(places).size).toBe(40);
      expect([...places].sort((a, b) => a - b)).toEqual(places);
      expect([places[0], places.at(-1)]).toEqual([0, count - 1]);
    }
  });
});
