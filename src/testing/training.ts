import type {
  AdapterAccount,
  GateReport,
  RunAccount,
  RunRow,
  TrainingAccount,
  Window
} from '../api/schema';

export const GATE: GateReport = {
  verdict: 'reject',
  reason: 'Nothing was gained.',
  look: 2,
  missing: 0,
  comparisons: [
    {
      name: 'gain',
      n: 120,
      candidate: 0.5,
      reference: 0.75,
      difference: { estimate: -0.25, low: -0.35, high: -0.15 },
      passed: false,
      sentence: 'It is worse.'
    },
    {
      name: 'regression/base/T=0',
      n: 40,
      candidate: 1,
      reference: 1,
      difference: { estimate: 0, low: -0.05, high: 0.05 },
      passed: true,
      sentence: 'No drop.'
    }
  ]
};

export const ADAPTER: AdapterAccount = {
  version: 3,
  status: 'rejected',
  serving: false,
  base: 'metaclaw-practice-1m',
  skill_generation: 7,
  created_at: 1_000_000,
  reason: 'Nothing was gained.',
  sha256: 'ab'.repeat(32),
  bytes: 1_250_000,
  gate: GATE,
  folder: null,
  fault: ''
};

export const RUN: RunAccount = {
  number: 3,
  state: 'training',
  reason: '',
  sentence: 'Run 3 trains.',
  skill_generation: 7,
  base: 'metaclaw-practice-1m',
  seed: 1,
  steps: 10,
  steps_done: 2,
  prompts: 12,
  parent: null,
  adapter: null,
  created_at: 1_000_000,
  changed_at: 1_000_000,
  pid: 77,
  eta_seconds: 120,
  step_seconds: 2,
  tokens_per_second: 900,
  groups: 16,
  equal_groups: 4,
  unscored: 0,
  mismatched: 0,
  curves: {
    step: [1, 2],
    reward: [-0.1, 0.4],
    query_reward: [null, null],
    replay_reward: [null, null],
    loss: [0.5, 0.4],
    kl: [0.01, 0.02],
    entropy: [null, null],
    completion_tokens: [40, 41]
  },
  gate: null
};

export const ACCOUNT: TrainingAccount = {
  sentence: 'Run 3 trains: step 2 of 10.',
  run: RUN,
  recent: [],
  serving: 2,
  counts: {
    waiting: 1,
    held_out: 9,
    drained: 0,
    outdated: 0,
    without_start: 0
  },
  missing: ['A gate wants 50 held-out tasks at least; there are 9.'],
  pid: 77
};

export const ROW = {
  ...RUN,
  number: 2,
  state: 'done',
  adapter: 3,
  reward: 0.4,
  verdict: 'reject'
} as unknown as RunRow;

export const WINDOW: Window = {
  number: 1,
  opened_at: 1_000_000,
  opened_by: ['kernels', 'lab'],
  closed_at: 1_000_600,
  closed_by: 'keyboard',
  run: 2,
  used_seconds: 540,
  yield_seconds: 0.4
};

/** What a server answers that has trained, and trains. */
export const FULL: Record<string, unknown> = {
  'GET /training': ACCOUNT,
  'GET /training/runs': { runs: [ROW], next: null },
  'GET /training/runs/2': { ...RUN, number: 2, state: 'done', gate: GATE },
  'GET /adapters': { adapters: [ADAPTER], total: 1, serving: 2 },
  'GET /adapters/3': { adapter: ADAPTER, gates: [GATE], served: [] },
  'GET /windows': { windows: [WINDOW] },
  'POST /adapters/3/promote': {
    told: 'Adapter v3 serves.',
    serving: 3,
    undo: 2
  },
  'POST /adapters/rollback': {
    told: 'Adapter v2 serves again.',
    serving: 2,
    undo: 3
  }
};

/** What a server answers that never trained. */
export const EMPTY: Record<string, unknown> = {
  'GET /training': {
    ...ACCOUNT,
    sentence: 'Nothing was trained yet.',
    run: null,
    serving: null,
    pid: null
  },
  'GET /training/runs': { runs: [], next: null },
  'GET /adapters': { adapters: [], total: 0, serving: null },
  'GET /windows': { windows: [] }
};
