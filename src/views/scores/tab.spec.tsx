import { nullTranslator } from '@jupyterlab/translation';
import {
  act,
  cleanup,
  fireEvent,
  render,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import axe from 'axe-core';
import React from 'react';
import type { Account, TaskRow, Trend } from '../../api/schema';
import { Navigation } from '../../models/navigation';
import { scoresOf } from '../../models/scores';
import { CommandIDs } from '../../tokens';
import { FakeServer, type IAsked, Refusal, until } from '../../testing/server';
import { type IViewContext, ViewContext } from '../context';
import { useSignal } from '../hooks';
import { ScoresTab } from './tab';

class Sizes {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
Object.assign(globalThis, { ResizeObserver: Sizes });
for (const [name, size] of [
  ['clientHeight', 600],
  ['clientWidth', 300]
] as const) {
  Object.defineProperty(HTMLElement.prototype, name, { get: () => size });
}

const TREND: Trend = {
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

const row = (number: number): TaskRow => ({
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

const EVIL = '<img src=x onerror=alert(1)>';

const ACCOUNT: Account = {
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

const trans = nullTranslator.load('metaclaw-jlab');
let server: FakeServer;
let navigation: Navigation;
let account: Account;
let count: number;
let gone: boolean;
const executed: [string, unknown][] = [];
const fragments: string[] = [];

function answers({ method, path, query, body }: IAsked): unknown {
  switch (`${method} ${path}`) {
    case 'GET /trend':
      return TREND;
    case 'GET /tasks/facets':
      return {
        notebooks: [
          { name: '/work/report.ipynb', count: 9 },
          { name: '', count: 1 }
        ],
        skills: [{ name: 'iso-dates', count: 5 }],
        generations: [{ number: 7, count: 10 }]
      };
    case 'GET /tasks': {
      const limit = Number(query.get('limit'));
      const top = Math.min(count, Number(query.get('before') ?? Infinity) - 1);
      const length = Math.min(limit, top);
      return {
        tasks: Array.from({ length }, (_, index) => row(top - index)),
        next: top > limit ? top - limit + 1 : null
      };
    }
    case 'GET /tasks/t9':
      return account;
    case 'POST /tasks/t9/feedback': {
      const { kind, reason } = body as { kind: string; reason: string };
      const value = kind === 'good' ? 1 : -1;
      account = { ...account, reward: { value, source: 'user', reason } };
      return { trajectory: 't9', kind, score: null, told: `Noted as ${kind}.` };
    }
    case 'DELETE /tasks/t9/feedback':
      account = ACCOUNT;
      return {
        trajectory: 't9',
        kind: 'bad',
        score: null,
        told: 'Taken back.'
      };
    default:
      throw new Refusal(404, 'NotFound', 'There is no such thing.');
  }
}

function Panel(): React.JSX.Element {
  useSignal(navigation.changed);
  return (
    <div className="mc-panel" role="tabpanel" aria-label="Scores">
      <ScoresTab subject={navigation.place.subject} />
    </div>
  );
}

async function show(subject?: string): Promise<HTMLElement> {
  await until(() => server.connection.state === 'open');
  navigation.go('scores', subject);
  const context = {
    connection: server.connection,
    navigation,
    commands: {
      execute: (id: string, args: unknown): Promise<unknown> => {
        executed.push([id, args]);
        return Promise.resolve({
          setFragment: (fragment: string) => fragments.push(fragment)
        });
      }
    },
    contents: {
      get: () => (gone ? Promise.reject(new Error('404')) : Promise.resolve({}))
    },
    trans
  } as unknown as IViewContext;
  const { container } = render(
    <ViewContext.Provider value={context}>
      <Panel />
    </ViewContext.Provider>
  );
  await quiet();
  return container;
}

/** Nothing is being asked for any more, for the list. */
async function quiet(): Promise<void> {
  const { tasks, trend, facets } = scoresOf(server.connection);
  await act(() =>
    until(() => !tasks.loading && !trend.loading && !facets.loading)
  );
}

beforeEach(() => {
  server = new FakeServer(answers);
  navigation = new Navigation();
  account = ACCOUNT;
  count = 1000;
  gone = false;
  executed.length = fragments.length = 0;
});

afterEach(() => {
  cleanup();
  server.connection.dispose();
});

function focus(inside: HTMLElement): void {
  act(() => {
    inside.closest('button')?.focus();
  });
}

async function violations(view: HTMLElement): Promise<string[]> {
  const found = await axe.run(view, {
    rules: {
      // jsdom lays nothing out, and has no canvas to tell letters from icons.
      'color-contrast': { enabled: false },
      'label-content-name-mismatch': { enabled: false },
      region: { enabled: false }
    }
  });
  return found.violations.map(({ id }) => id);
}

describe('the tasks', () => {
  it('are few in the page, however many there are', async () => {
    const view = await show();
    await screen.findByText('Task 1000');
    expect(view.querySelectorAll('li').length).toBeLessThan(30);
    expect(await violations(view)).toEqual([]);
  });

  it('tell their steps to those who hear', async () => {
    await show();
    const task = (await screen.findByText('Task 1000')).closest('button');
    expect(
      within(task as HTMLElement).getByRole('img', {
        name: 'Process reward: step 1 +1.00 by outcome; step 2 no score, raised an error'
      })
    ).toBeTruthy();
    expect(task?.textContent).toContain('iso-dates');
  });

  it('are gone through by keys', async () => {
    await show();
    const first = await screen.findByText('Task 1000');
    focus(first);
    fireEvent.keyDown(first, { key: 'ArrowDown' });
    await waitFor(() => {
      expect(document.activeElement?.textContent).toContain('Task 999');
    });
    fireEvent.keyDown(document.activeElement as HTMLElement, { key: 'End' });
    await waitFor(() => {
      expect(document.activeElement?.textContent).toContain('Task 901');
    });
  });

  it('keep the focus when newer ones come', async () => {
    await show();
    focus(await screen.findByText('Task 998'));
    count = 1003;
    act(() => {
      server.move();
    });
    await quiet();
    await screen.findByText('Task 1003');
    expect(document.activeElement?.textContent).toContain('Task 998');
    expect((document.activeElement as HTMLElement).tabIndex).toBe(0);
  });

  it('open with why they went so, and the way leads back', async () => {
    count = 9;
    await show();
    fireEvent.click(await screen.findByText('Task 9'));
    await screen.findByText('Use semicolons.');
    fireEvent.click(screen.getByRole('button', { name: 'Back' }));
    await screen.findByText('Task 9');
  });

  it('are narrowed by what there is', async () => {
    await show();
    const skill = await screen.findByRole('combobox', { name: 'Skill' });
    fireEvent.change(skill, { target: { value: '=iso-dates' } });
    await waitFor(() => {
      expect(
        server.asked.some(
          ({ path, query }) =>
            path === '/tasks' && query.get('skill') === 'iso-dates'
        )
      ).toBe(true);
    });
    fireEvent.click(screen.getByRole('button', { name: 'Show all' }));
    await quiet();
    expect(screen.queryByRole('button', { name: 'Show all' })).toBeNull();
  });

  it('say what fills them while there is none', async () => {
    count = 0;
    await show();
    await screen.findByText('No task yet');
  });
});

describe('the trend', () => {
  it('says whether it got better, and how sure that is', async () => {
    await show();
    await screen.findByText(/Better: g6 did 12 of 40/);
    const cells = within(screen.getByRole('table')).getAllByRole('cell');
    expect(cells.map(cell => cell.textContent)).toContain('0.74–0.93');
  });

  it('leads to the tasks of a generation', async () => {
    await show();
    fireEvent.click(await screen.findByRole('button', { name: 'g6' }));
    await quiet();
    expect(server.asked.map(({ query }) => query.get('generation'))).toContain(
      '6'
    );
    expect(
      screen.getByRole<HTMLSelectElement>('combobox', { name: 'Generation' })
        .value
    ).toBe('=6');
  });
});

describe('why a task went so', () => {
  it('shows what came from outside as text', async () => {
    const view = await show('t9');
    await screen.findByText('Use semicolons.');
    expect(view.querySelector('img')).toBeNull();
    expect(view.textContent).toContain(`Save the table ${EVIL}`);
    expect(await violations(view)).toEqual([]);
  });

  it('tells what each step was worth by whom', async () => {
    await show('t9');
    await screen.findByText('−0.50 by outcome');
    expect(screen.getByText('+0.50 by judge')).toBeTruthy();
    const rewards = within(screen.getByRole('table'));
    expect(rewards.getAllByRole('row').map(line => line.textContent)).toEqual([
      expect.stringContaining('outcome'),
      expect.stringContaining('judge')
    ]);
  });

  it('leads to its skills', async () => {
    await show('t9');
    fireEvent.click(await screen.findByRole('button', { name: /iso-dates/ }));
    expect(executed).toEqual([[CommandIDs.showSkill, { id: 'iso-dates' }]]);
  });

  it('opens the cell that asked', async () => {
    await show('t9');
    fireEvent.click(
      await screen.findByRole('button', { name: /report.ipynb/ })
    );
    await waitFor(() => {
      expect(fragments).toEqual(['#cell-id=c1']);
    });
    expect(executed).toEqual([
      ['docmanager:open', { path: 'work/report.ipynb' }]
    ]);
  });

  it('says that a notebook was deleted', async () => {
    gone = true;
    await show('t9');
    fireEvent.click(
      await screen.findByRole('button', { name: /report.ipynb/ })
    );
    await screen.findByText('(it is no longer there)');
    expect(executed).toEqual([]);
  });

  it('takes a word with its reason, and takes it back', async () => {
    await show('t9');
    fireEvent.click(await screen.findByRole('button', { name: 'Bad…' }));
    fireEvent.change(screen.getByRole('textbox'), {
      target: { value: 'wrong separator' }
    });
    fireEvent.click(screen.getByRole('button', { name: 'Say bad' }));
    await screen.findByText('Noted as bad.');
    expect(server.asked.find(({ method }) => method === 'POST')?.body).toEqual({
      kind: 'bad',
      reason: 'wrong separator'
    });
    const bad = await screen.findByRole('button', {
      name: 'Bad',
      pressed: true
    });
    expect(bad).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Take back' }));
    await screen.findByText('Taken back.');
    await screen.findByRole('button', { name: 'Bad…', pressed: false });
  });

  it('calls a proposal good only when it has run', async () => {
    account = { ...ACCOUNT, stop: null, waits: true, reward: null };
    await show('t9');
    const good = await screen.findByRole<HTMLButtonElement>('button', {
      name: 'Good'
    });
    expect(good.disabled).toBe(true);
    expect(screen.getByRole('button', { name: 'Turn down…' })).toBeTruthy();
  });

  it('says that a task is not there any more', async () => {
    await show('none');
    await screen.findByText('There is no such thing.');
  });
});
