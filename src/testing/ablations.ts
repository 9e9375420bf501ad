import type {
  AblationChoices,
  AblationGrid,
  AblationReport,
  AblationRow,
  TracePair
} from '../api/schema';

export const ROW: AblationRow = {
  number: 3,
  state: 'done',
  reason: '',
  created_at: 1_000_000,
  tasks: 'practice:held-out',
  arms: ['baseline', 'skills'],
  reference: 'baseline',
  done: 400,
  of: 400,
  eta_seconds: null,
  verdict: 'skills is 12 points better than baseline.'
};

export const REPORT: AblationReport = {
  number: 3,
  state: 'done',
  reason: '',
  created_at: 1_000_000,
  done: 400,
  of: 400,
  eta_seconds: null,
  seconds: 90,
  tasks: 'practice:held-out',
  reference: 'baseline',
  seeds: [1, 2],
  samples: 1,
  arms: {
    baseline: {
      about: 'no skills, no adapter',
      tasks: 100,
      attempts: 200,
      mean: 0.4,
      ci95: [0.31, 0.49],
      right: 0.8,
      tokens: 12_345,
      cost: 0,
      seconds: 0.4,
      policy_seconds: 0.3,
      failures: { n: 2, example: 'the policy timed out' }
    },
    skills: {
      about: 'skills alone',
      tasks: 100,
      attempts: 200,
      mean: 0.52,
      ci95: [0.43, 0.61],
      right: 0.8,
      tokens: 15_000,
      cost: 0,
      seconds: 0.5,
      policy_seconds: 0.4,
      failures: { n: 0, example: null }
    }
  },
  comparisons: [
    {
      arm: 'skills',
      reference: 'baseline',
      tasks: 100,
      difference: 0.12,
      ci95: [0.04, 0.2],
      p: 0.004,
      adjusted: 0.004,
      test: 'exact sign-flip test',
      effect: 0.3,
      better: 0.2,
      worse: 0.08,
      equal: 0.72,
      finding: 'better',
      sentence: 'skills is 12 points better than baseline: +12.0 points.',
      needed: 930,
      smallest: 0.1
    }
  ],
  training_seeds: [],
  days: null,
  day_count: null,
  notes: ['3 tasks were left out: they need a network.'],
  verdict: 'skills is 12 points better than baseline.'
};

/** A run whose arms were trained over days. */
export const STREAM: AblationReport = {
  ...REPORT,
  number: 4,
  days: {
    baseline: [
      { day: 1, n: 24, mean: 0.4, ci95: [0.3, 0.5] },
      { day: 2, n: 24, mean: 0.41, ci95: [0.31, 0.51] }
    ],
    full: [
      { day: 1, n: 24, mean: 0.4, ci95: [0.3, 0.5] },
      { day: 2, n: 24, mean: 0.7, ci95: null }
    ]
  },
  day_count: 2,
  training_seeds: [
    {
      arm: 'full',
      reference: 'baseline',
      sentence:
        'full is better in 2 of 3 trainings; the worst, seed 2, is not.',
      finding: 'not shown',
      adjusted: 0.2,
      worst: 2,
      best: 3,
      seeds: [
        { seed: 1, tasks: 50, difference: 0.1, ci95: [0.02, 0.18], p: 0.02 },
        { seed: 2, tasks: 50, difference: -0.02, ci95: [-0.1, 0.06], p: 0.6 },
        { seed: 3, tasks: 50, difference: 0.2, ci95: [0.1, 0.3], p: 0.001 }
      ]
    }
  ]
};

export const CHOICES: AblationChoices = {
  arms: [
    { name: 'baseline', about: 'no skills, no adapter', learns: false },
    { name: 'skills', about: 'skills alone', learns: true },
    { name: 'full', about: 'skills and the adapter', learns: true },
    { name: 'given', about: 'skills written by hand', learns: false }
  ],
  parts: [{ key: 'skills', about: 'where they come from', values: ['none'] }],
  task_sets: [
    {
      spec: 'practice:held-out',
      title: 'Practice, held out',
      about: 'Tasks that nothing was trained on.',
      count: 200,
      why_not: null
    },
    {
      spec: 'logged',
      title: 'Your own tasks',
      about: 'Tasks of this home again.',
      count: null,
      why_not: 'No task of this home has a check.'
    }
  ],
  defaults: {
    arms: ['baseline', 'skills', 'full'],
    tasks: 'practice:held-out',
    n: 100,
    seeds: 2,
    samples: 1,
    days: null,
    budget_minutes: null,
    budget_tokens: null
  }
};

/** So many tasks: every third differs, on every fifth the baseline alone fails. */
export function gridOf(count: number): AblationGrid {
  return {
    arms: ['baseline', 'skills', 'full'],
    tasks: Array.from({ length: count }, (_, index) => ({
      id: `task/${String(index)}`,
      title: `Task ${String(index)}`,
      group: 'house',
      day: index === 1 ? 2 : null
    })),
    values: Array.from({ length: count }, (_, index) =>
      index % 5 === 0 ? [0, 1, 1] : index % 3 === 0 ? [1, 0.5, null] : [1, 1, 1]
    ),
    seeds: [1, 2]
  };
}

export const EVIL = '<img src=x onerror=alert(1)>';

export const PAIR: TracePair = {
  id: 'task/0',
  task: `Save the table ${EVIL}`,
  title: 'Save the table',
  group: 'house',
  day: null,
  seed: 1,
  sample: 0,
  seeds: [1, 2],
  attempts: [
    {
      arm: 'baseline',
      value: 0,
      right: true,
      stop: 'check_failed',
      failure: null,
      skills: [],
      checks: [
        { source: "';' in text", passed: false, feedback: 'Use semicolons.' }
      ],
      steps: [
        {
          reply: 'save(rows)',
          action: 'save(rows)',
          stdout: 'saved',
          stderr: '',
          result: null,
          error: null,
          seconds: 0.1
        }
      ]
    },
    {
      arm: 'skills',
      value: 1,
      right: true,
      stop: 'done',
      failure: null,
      skills: ['semicolon-csv'],
      checks: [
        { source: "';' in text", passed: true, feedback: 'Use semicolons.' }
      ],
      steps: [
        {
          reply: 'With semicolons:\n```python\nsave(rows, sep=";")\n```',
          action: 'save(rows, sep=";")',
          stdout: '',
          stderr: '',
          result: null,
          error: `KeyError: ${EVIL}`,
          seconds: 0.1
        }
      ]
    },
    {
      arm: 'full',
      value: 1,
      right: true,
      stop: 'done',
      failure: null,
      skills: [],
      checks: [],
      steps: []
    }
  ]
};

/** What a server answers that has run ablations. */
export const FULL: Record<string, unknown> = {
  'GET /ablations': { runs: [ROW], next: null },
  'GET /ablations/options': CHOICES,
  'GET /ablations/3': REPORT,
  'GET /ablations/4': STREAM,
  'GET /ablations/3/grid': gridOf(40),
  'GET /ablations/3/tasks/task/0': PAIR,
  'POST /ablations': { number: 7, state: 'planned', told: 'It begins.' },
  'POST /ablations/3/stop': { number: 3, state: 'running', told: 'It stops.' },
  'POST /ablations/3/resume': { number: 3, state: 'running', told: 'On.' },
  'DELETE /ablations/3': { number: 3, state: 'done', told: 'It is gone.' }
};
