import type { Score, TaskRow, Unscored } from '../api/schema';
import { FakeServer, until } from '../testing/server';
import { outcomeOf, scoresOf, signed, wordOf } from './scores';

const scored = (value: number, source: Score['source'] = 'outcome'): Score => ({
  value,
  source,
  reason: ''
});
const UNSCORED: Unscored = { reason: 'nobody looked' };

describe('how a task went', () => {
  it.each<[string, Pick<TaskRow, 'stop' | 'score' | 'said'>, string]>([
    ['under way', { stop: null, score: null, said: null }, 'open'],
    ['done', { stop: 'done', score: scored(1), said: null }, 'right'],
    [
      'done, nobody looked',
      { stop: 'done', score: UNSCORED, said: null },
      'right'
    ],
    [
      'done, judged bad',
      { stop: 'done', score: scored(-0.5, 'judge'), said: null },
      'wrong'
    ],
    [
      'a check failed',
      { stop: 'check_failed', score: scored(0.2), said: null },
      'wrong'
    ],
    ['broken off', { stop: 'cancelled', score: null, said: null }, 'ended'],
    [
      'done, called bad',
      { stop: 'done', score: scored(-1, 'user'), said: 'bad' },
      'wrong'
    ],
    [
      'failed, called good',
      { stop: 'check_failed', score: scored(1, 'user'), said: 'good' },
      'right'
    ]
  ])('%s', (_, task, outcome) => {
    expect(outcomeOf(task)).toBe(outcome);
  });
});

describe("the user's word", () => {
  it('is a score by the user', () => {
    expect(wordOf(scored(1, 'user'))).toBe('good');
    expect(wordOf(scored(-1, 'user'))).toBe('bad');
    expect(wordOf(scored(1, 'judge'))).toBeNull();
    expect(wordOf(UNSCORED)).toBeNull();
    expect(wordOf(null)).toBeNull();
  });
});

describe('a score', () => {
  it.each([
    [1, '+1.00'],
    [-0.3, '−0.30'],
    [0, '0.00'],
    [-0.001, '0.00']
  ])('%d is written %s', (value, text) => {
    expect(signed(value)).toBe(text);
  });
});

describe('the scores of a server', () => {
  it('stay narrowed while one looks elsewhere, the trend by notebook and skill', async () => {
    const server = new FakeServer(({ path }) =>
      path === '/trend'
        ? {
            generations: [],
            verdict: 'too_few',
            difference: null,
            sentence: ''
          }
        : { tasks: [], next: null }
    );
    const scores = scoresOf(server.connection);
    scores.narrow({ notebook: '', skill: 'csv', generation: 3 });
    await until(() => !scores.tasks.loading && !scores.trend.loading);
    const asked = server.asked.map(({ path, query }) => [
      path,
      query.get('notebook'),
      query.get('skill'),
      query.get('generation')
    ]);
    expect(asked).toContainEqual(['/trend', '', 'csv', null]);
    expect(asked).toContainEqual(['/tasks', '', 'csv', '3']);
    expect(scoresOf(server.connection).tasks.filter.skill).toBe('csv');
    server.connection.dispose();
  });
});
