import {
  cleanup,
  configure,
  fireEvent,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import axe from 'axe-core';
import React from 'react';
import { EVIL, FULL, gridOf, REPORT, ROW } from '../../testing/ablations';
import { FakeServer, type IAsked, Refusal } from '../../testing/server';
import { draw, type IDrawn } from '../../testing/view';
import { useView } from '../context';
import { useSignal } from '../hooks';
import { AblationsTab } from './tab';

// The machine may be slow: what has to come may take long.
configure({ asyncUtilTimeout: 60_000 });
jest.setTimeout(90_000);

class Sizes {
  observe(): void {}
  disconnect(): void {}
}
Object.assign(globalThis, { ResizeObserver: Sizes });

let server: FakeServer;
let shown: IDrawn;

/** The tab in a panel, as navigation leads through it. */
function Walked(): React.ReactElement {
  const { navigation } = useView();
  useSignal(navigation.changed);
  return (
    <main className="mc-panel">
      <h1>MetaClaw</h1>
      <h2>Ablate</h2>
      <AblationsTab subject={navigation.place.subject} />
    </main>
  );
}

/** The tab at a place, over a server with these answers. */
async function open(
  answers: Record<string, unknown>,
  subject?: string
): Promise<HTMLElement> {
  server = new FakeServer(({ method, path }: IAsked) => {
    const found = answers[`${method} ${path}`];
    if (found === undefined) {
      throw new Refusal(404, 'NotFound', `There is no ${path}.`);
    }
    if (found instanceof Error) {
      throw found;
    }
    return found;
  });
  shown = draw(<Walked />, server);
  shown.navigation.go('ablations', subject);
  await settled();
  return shown.drawn.container;
}

async function settled(): Promise<void> {
  await waitFor(() => {
    expect(screen.queryByText('Loading…')).toBeNull();
  });
}

function click(name: string | RegExp): void {
  fireEvent.click(screen.getByRole('button', { name }));
}

function sent(): IAsked[] {
  return server.asked.filter(({ method }) => method !== 'GET');
}

afterEach(() => {
  cleanup();
  server.connection.dispose();
});

describe('the list', () => {
  it('says what an ablation is where there is none, and offers the first one', async () => {
    await open({ ...FULL, 'GET /ablations': { runs: [], next: null } });
    screen.getByText(/does the same tasks again on a frozen copy/);
    click('New ablation');
    expect(shown.navigation.place.subject).toBe('new');
    await screen.findByRole('button', { name: 'Start' });
    expect(
      screen
        .getAllByRole<HTMLInputElement>('checkbox')
        .filter(({ checked }) => checked)
    ).toHaveLength(3);
  });

  it('tells of each run what it says, and how far one is that goes on', async () => {
    const live = {
      ...ROW,
      number: 4,
      state: 'running',
      done: 10,
      eta_seconds: 300,
      verdict: ''
    };
    await open({
      ...FULL,
      'GET /ablations': { runs: [live, ROW], next: null }
    });
    screen.getByText('skills is 12 points better than baseline.');
    const progress = screen.getByRole('progressbar', {
      name: 'Attempts of ablation 4'
    });
    expect(progress.getAttribute('value')).toBe('10');
    screen.getByText('about 5 min left');
    click('3: baseline, skills');
    expect(shown.navigation.place.subject).toBe('3');
  });
});

describe('the form', () => {
  it('asks for what was chosen, and opens the run', async () => {
    await open(FULL, 'new');
    fireEvent.click(screen.getByRole('checkbox', { name: /^full/ }));
    fireEvent.click(screen.getByRole('checkbox', { name: /^given/ }));
    fireEvent.change(screen.getByLabelText('Test tasks'), {
      target: { value: '50' }
    });
    fireEvent.change(screen.getByLabelText('One in a line'), {
      target: { value: 'few=skills,skills.max_skills=1\n\n' }
    });
    fireEvent.change(screen.getByLabelText('Compared with'), {
      target: { value: 'few' }
    });
    screen.getByText(/4 arms, up to 400 attempts; compared with few/);
    click('Start');
    await waitFor(() => {
      expect(shown.navigation.place.subject).toBe('7');
    });
    expect(sent()[0]?.body).toEqual({
      arms: ['baseline', 'skills', 'given'],
      extra: ['few=skills,skills.max_skills=1'],
      reference: 'few',
      tasks: 'practice:held-out',
      n: 50,
      seeds: 2,
      samples: 1,
      days: null,
      budget_minutes: null,
      budget_tokens: null
    });
  });

  it('says why nothing can be started, and asks for nothing', async () => {
    await open(FULL, 'new');
    fireEvent.click(screen.getByRole('checkbox', { name: /^full/ }));
    fireEvent.click(screen.getByRole('checkbox', { name: /^skills/ }));
    screen.getByText(/Choose at least two arms/);
    const start = screen.getByRole('button', { name: 'Start' });
    expect(start.getAttribute('aria-disabled')).toBe('true');
    fireEvent.click(start);
    expect(sent()).toEqual([]);
  });

  it('says why a set of tasks cannot be chosen', async () => {
    await open(FULL, 'new');
    const option = screen.getByRole<HTMLOptionElement>('option', {
      name: 'Your own tasks (not now)'
    });
    expect(option.disabled).toBe(true);
    screen.getByText('No task of this home has a check.');
  });

  it('shows what the server refuses, and loses nothing that was typed', async () => {
    const refusal = new Refusal(422, 'TaskSetInvalid', 'No such tasks.');
    await open({ ...FULL, 'POST /ablations': refusal }, 'new');
    fireEvent.change(screen.getByLabelText('Test tasks'), {
      target: { value: '77' }
    });
    click('Start');
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toContain('No such tasks. Try something else.');
    shown.navigation.go('scores');
    shown.navigation.go('ablations', 'new');
    await settled();
    expect(screen.getByLabelText<HTMLInputElement>('Test tasks').value).toBe(
      '77'
    );
  });
});

describe('a run', () => {
  it('says its verdict, and has every number in a table', async () => {
    await open(FULL, '3');
    screen.getByText('skills is 12 points better than baseline.');
    screen.getByText(/12 points better than baseline: \+12.0 points/);
    const means = screen.getByRole('table', {
      name: 'Mean over the tasks, 95 % interval'
    });
    within(means).getByRole('row', { name: 'skills 52.0 % 43.0–61.0 %' });
    const differences = screen.getByRole('table', {
      name: 'Difference on the same tasks, in points'
    });
    within(differences).getByRole('row', {
      name: 'skills − baseline +12.0 +4.0 to +20.0'
    });
    screen.getByText(/2 failures: the policy timed out/);
    screen.getByText(/3 tasks were left out/);
    screen.getByRole('img', { name: /^Mean over the tasks/ });
  });

  it('has the trainings one by one with the worst named, and the days as a table', async () => {
    await open(FULL, '4');
    screen.getByText(/the worst, seed 2, is not/);
    screen.getByRole('row', { name: '2 (the worst) −2.0 −10.0 to +6.0' });
    const days = screen.getByRole('region', {
      name: /^Accuracy over the days/
    });
    within(days).getByRole('row', { name: /^2 41.0 % 31.0–51.0 % 70.0 % –/ });
    click('Show as a table');
    expect(screen.queryByRole('img', { name: /^Accuracy/ })).toBeNull();
  });

  it('stops one that runs', async () => {
    const live = { ...REPORT, state: 'running', done: 10, eta_seconds: 60 };
    await open({ ...FULL, 'GET /ablations/3': live }, '3');
    screen.getByRole('progressbar');
    click('Delete…');
    expect(screen.queryByRole('button', { name: 'Delete' })).toBeNull();
    click('Stop');
    await waitFor(() => {
      expect(sent().map(({ path }) => path)).toEqual(['/ablations/3/stop']);
    });
  });

  it('goes on with one that was stopped', async () => {
    const stopped = { ...REPORT, state: 'cancelled', done: 10 };
    await open({ ...FULL, 'GET /ablations/3': stopped }, '3');
    click('Resume');
    await waitFor(() => {
      expect(sent().map(({ path }) => path)).toEqual(['/ablations/3/resume']);
    });
  });

  it('is deleted after a question, and the list is shown', async () => {
    await open(FULL, '3');
    click('Delete…');
    screen.getByText(/deleted with its 400 attempts/);
    expect(sent()).toEqual([]);
    click('Delete');
    await waitFor(() => {
      expect(shown.navigation.place.subject).toBeUndefined();
    });
    expect(sent().map(({ method }) => method)).toEqual(['DELETE']);
  });

  it('keeps the focus when it moves on', async () => {
    await open(FULL, '3');
    const button = screen.getByRole('button', { name: 'Delete…' });
    button.focus();
    const before = server.asked.length;
    server.move();
    await waitFor(() => {
      expect(server.asked.length).toBeGreaterThan(before);
    });
    expect(document.activeElement).toBe(button);
  });
});

describe('the grid', () => {
  it('has only the rows in the page that are seen', async () => {
    await open({ ...FULL, 'GET /ablations/3/grid': gridOf(2000) }, '3/tasks');
    const grid = screen.getByRole('grid', { name: 'Task by task' });
    expect(grid.getAttribute('aria-rowcount')).toBe('2001');
    expect(within(grid).getAllByRole('row').length).toBeLessThan(40);
  });

  it('tells values by sign and word', async () => {
    await open(FULL, '3/tasks');
    const wrong = screen.getAllByRole('gridcell', { name: 'baseline: wrong' });
    expect(wrong[0]?.textContent).toBe('✗');
    const part = screen.getAllByRole('gridcell', {
      name: 'skills: 0.50 of 1'
    });
    expect(part[0]?.textContent).toBe('◑');
    screen.getAllByRole('gridcell', { name: 'full: not attempted' });
    screen.getByRole('rowheader', { name: 'day 2: Task 1' });
  });

  it('shows those that one arm alone failed', async () => {
    await open(FULL, '3/tasks');
    fireEvent.change(screen.getByLabelText('Which tasks'), {
      target: { value: 'only baseline' }
    });
    screen.getByText('8 of 40 tasks');
    fireEvent.change(screen.getByLabelText('Which tasks'), {
      target: { value: 'only full' }
    });
    screen.getByText('No such task');
  });

  it('is led through by the arrows, and Enter opens a task', async () => {
    await open(FULL, '3/tasks');
    const grid = screen.getByRole('grid');
    const first = screen.getByRole('rowheader', { name: 'Task 0' });
    expect(first.tabIndex).toBe(0);
    first.focus();
    fireEvent.keyDown(first, { key: 'ArrowDown' });
    fireEvent.keyDown(document.activeElement ?? grid, { key: 'ArrowRight' });
    expect(document.activeElement?.getAttribute('aria-label')).toBe(
      'baseline: right'
    );
    fireEvent.keyDown(document.activeElement ?? grid, { key: 'End' });
    expect(document.activeElement?.getAttribute('aria-label')).toBe(
      'full: right'
    );
    expect(grid.querySelectorAll('[tabindex="0"]')).toHaveLength(1);
    fireEvent.keyDown(document.activeElement ?? grid, { key: 'Enter' });
    expect(shown.navigation.place.subject).toBe('3/tasks/task/1');
  });

  it('is where it was when one comes back', async () => {
    await open(FULL, '3/tasks');
    fireEvent.click(screen.getByRole('rowheader', { name: 'Task 5' }));
    expect(shown.navigation.place.subject).toBe('3/tasks/task/5');
    shown.navigation.back();
    await settled();
    expect(screen.getByRole('rowheader', { name: 'Task 5' }).tabIndex).toBe(0);
  });
});

describe('a task', () => {
  it('shows the two arms that differ most, and others when they are chosen', async () => {
    await open(FULL, '3/tasks/task/0');
    const left = await screen.findByRole('combobox', { name: 'Arm, Left' });
    const right = screen.getByRole('combobox', { name: 'Arm, Right' });
    expect((left as HTMLSelectElement).value).toBe('baseline');
    expect((right as HTMLSelectElement).value).toBe('full');
    fireEvent.change(right, { target: { value: 'skills' } });
    screen.getByText('They differ from step 1 on.');
    screen.getByRole('group', { name: 'skills, step 1: Code' });
    screen.getByText(/the task itself was right/);
    screen.getAllByText('Use semicolons.');
    expect(screen.getAllByText('Whole reply')).toHaveLength(1);
  });

  it('shows what others wrote as text', async () => {
    const container = await open(FULL, '3/tasks/task/0');
    await screen.findByRole('combobox', { name: 'Arm, Left' });
    expect(container.querySelector('img')).toBeNull();
    expect(container.textContent).toContain(EVIL);
  });

  it('is asked for with whichever seed has it, and with another when that is chosen', async () => {
    await open(FULL, '3/tasks/task/0');
    const seed = await screen.findByRole('combobox', { name: 'Seed' });
    expect((seed as HTMLSelectElement).value).toBe('1');
    fireEvent.change(seed, { target: { value: '2' } });
    await waitFor(() => {
      const asked = server.asked.filter(({ path }) => path.includes('/tasks/'));
      expect(asked[0]?.query.get('seed')).toBeNull();
      expect(asked.at(-1)?.query.get('seed')).toBe('2');
    });
  });

  it('leads to the one after it', async () => {
    await open(FULL, '3/tasks/task/0');
    click('Next ›');
    expect(shown.navigation.place.subject).toBe('3/tasks/task/1');
  });
});

describe('nothing that keeps anybody out', () => {
  const rules = {
    // jsdom lays nothing out.
    rules: { 'color-contrast': { enabled: false } }
  };

  it.each([
    ['the list', undefined],
    ['the form', 'new'],
    ['a run', '3'],
    ['a stream', '4'],
    ['the grid', '3/tasks'],
    ['a task', '3/tasks/task/0']
  ])('is in %s', async (_, subject) => {
    const container = await open(FULL, subject);
    if (subject?.includes('task/')) {
      await screen.findByRole('combobox', { name: 'Arm, Left' });
    }
    const { violations } = await axe.run(container, rules);
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  });
});
