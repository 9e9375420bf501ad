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
import type { Account } from '../../api/schema';
import { Navigation } from '../../models/navigation';
import { scoresOf } from '../../models/scores';
import { CommandIDs } from '../../tokens';
import { ACCOUNT, EVIL, row, TREND } from '../../testing/scores';
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
    screen.getByText(/begins? a notebook cell with %%metaclaw and/i);
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
