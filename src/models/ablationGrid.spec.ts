import { gridOf, PAIR } from '../testing/ablations';
import { differsAt, markOf, pairOf, rowsOf, signOf } from './ablationGrid';

describe('the tasks that are shown', () => {
  const grid = gridOf(30);

  it('are all, or those that the arms do differently', () => {
    expect(rowsOf(grid, 'all')).toHaveLength(30);
    expect(rowsOf(grid, 'differ')).toEqual([
      0, 3, 5, 6, 9, 10, 12, 15, 18, 20, 21, 24, 25, 27
    ]);
  });

  it('are those that one arm alone failed', () => {
    expect(rowsOf(grid, 'only baseline')).toEqual([0, 5, 10, 15, 20, 25]);
    expect(rowsOf(grid, 'only skills')).toEqual([]);
  });

  it('are none of an arm that nobody else can be held against', () => {
    const alone = { ...grid, values: grid.values.map(() => [0, null, null]) };
    expect(rowsOf(alone, 'only baseline')).toEqual([]);
    expect(rowsOf(alone, 'differ')).toEqual([]);
  });
});

describe('a value', () => {
  it('has a sign of its own, whatever its colour', () => {
    const values = [null, 0, 0.2, 0.5, 0.9, 1];
    expect(values.map(signOf)).toEqual(['·', '✗', '◔', '◑', '◕', '✓']);
    expect(markOf(1 - 1e-12)).toBe('right');
  });
});

describe('two attempts', () => {
  it('are those of the chosen arms', () => {
    const shown = pairOf(PAIR.attempts, ['full', 'skills']);
    expect(shown.map(one => one?.arm)).toEqual(['full', 'skills']);
  });

  it('are the first two where all did as well', () => {
    const same = PAIR.attempts.map(one => ({ ...one, value: 1 }));
    expect(pairOf(same, null).map(one => one?.arm)).toEqual([
      'baseline',
      'skills'
    ]);
  });

  it('are the same where only their time is another', () => {
    const [one] = PAIR.attempts;
    const later = one && {
      ...one,
      steps: one.steps.map(step => ({ ...step, seconds: 9 }))
    };
    expect(differsAt(one, later)).toBeNull();
    expect(differsAt(one, PAIR.attempts[1])).toBe(1);
    expect(differsAt(one, one && { ...one, steps: [] })).toBe(1);
  });
});
