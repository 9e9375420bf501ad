import type { Account, TaskRow, Trend } from '../api/schema';

export const TREND: Trend = {
  generations: [
    {
      generation: 6,
      cause: 'evolver',
      at: 1,
      n: 40,
      right: 12,
      mean: 0.3,
      low: 0.18,
      high: 0.45,
      series: [0.2, 0.4]
    },
    {
      generation: 7,
      cause: 'user',
      at: 2,
      n: 50,
      right: 43,
      mean: 0.86,
      low: 0.74,
      high: 0.93,
      series: [0.8, 0.9]
    }
  ],
  verdict: 'better',
  difference: { estimate: 0.56, low: 0.37, high: 0.7 },
  sentence: 'Better: g6 did 12 of 40 tasks right, g7 did 43 of 50.'
};

export const row = (number: number): TaskRow => ({
  number,
  id: `t${String(number)}`,
  text: `Task ${String(number)}`,
  notebook: '/work/report.ipynb',
  cell_id: 'c1',
  skill_generation: 7,
  model: 'tiny',
  adapter: null,
  purpose: 'user',
  role: 'query',
  stop: 'done',
  score: { value: 1, source: 'outcome', reason: '' },
  created_at: 1,
  seconds: 1,
  skills: ['iso-dates'],
  steps: [
    { score: 1, source: 'outcome', error: false },
    { score: null, source: null, error: true }
  ],
  said: null
});

export const EVIL = '<img src=x onerror=alert(1)>';

export const ACCOUNT: Account = {
  id: 't9',
  task: `Save the table ${EVIL}`,
  asked: 'in report.ipynb',
  stop: 'check_failed',
  outcome: 'a check failed',
  threshold: 0.5,
  fused: false,
  chosen: [
    {
      rank: 1,
      name: 'iso-dates',
      relevance: 1.25,
      state: 'edited since',
      words: ['dates'],
      like: null,
      sha256: 'aa',
      version: null,
      whence: null
    }
  ],
  others: [],
  steps: [
    {
      number: 1,
      code: 'save(rows)',
      output: [EVIL],
      error: 'KeyError: x',
      ran: true,
      scores: [],
      prompt_tokens: 1,
      completion_tokens: 1,
      policy_seconds: 1,
      run_seconds: 1,
      prompt: [],
      reply: null,
      edit: ['-save(rows)', '+save(rows, sep=";")'],
      said: null,
      process: [
        { value: -0.5, source: 'outcome', reason: 'a check failed' },
        { value: 0.5, source: 'judge', reason: '' }
      ]
    },
    {
      number: 2,
      code: 'done()',
      output: [],
      error: null,
      ran: true,
      scores: [],
      prompt_tokens: 1,
      completion_tokens: 1,
      policy_seconds: 1,
      run_seconds: 1,
      prompt: [],
      reply: null,
      edit: [],
      said: null,
      process: [{ reason: 'nobody looked' }]
    }
  ],
  checks: [
    { source: "';' in text", passed: false, feedback: 'Use semicolons.' }
  ],
  score: '',
  model: 'tiny',
  adapter: 3,
  skill_generation: 7,
  seed: null,
  role: 'query',
  prompt_tokens: 2,
  completion_tokens: 2,
  policy_seconds: 2,
  run_seconds: 2,
  seconds: 4,
  generation: null,
  current_generation: 7,
  role_in_words: 'it may train the policy',
  turn: null,
  aftermath: { role_reason: '', decision: null, became: '', said: [] },
  reward: { value: -0.5, source: 'outcome', reason: '' },
  notebook: '/work/report.ipynb',
  cell_id: 'c1',
  created_at: 1,
  purpose: 'user',
  waits: false
};
