import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import {
  cleanup,
  configure,
  fireEvent,
  render,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import axe from 'axe-core';
import React from 'react';
import { Navigation } from '../../models/navigation';
import { FakeServer, type IAsked, Refusal } from '../../testing/server';
import { ACCOUNT, EMPTY, FULL, GATE, RUN } from '../../testing/training';
import { type IViewContext, ViewContext } from '../context';
import { TrainingTab } from './tab';

// The machine may be slow: what has to come may take long.
configure({ asyncUtilTimeout: 60_000 });
jest.setTimeout(90_000);

const drawn = jest.fn();
const redrawn = jest.fn();

// jsdom has no canvas: what is drawn is looked at in a browser.
jest.mock('./plot', () => ({
  plot: (...what: unknown[]): unknown => {
    drawn(...what);
    return { show: redrawn, resize: () => undefined, dispose: () => undefined };
  }
}));

class Sizes {
  observe(): void {}
  disconnect(): void {}
}
Object.assign(globalThis, { ResizeObserver: Sizes });

let server: FakeServer;
let context: IViewContext;

/** The tab, as a server with these answers has it. */
async function shown(
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
  context = {
    connection: server.connection,
    navigation: new Navigation(),
    trans: nullTranslator.load('')
  } as unknown as IViewContext;
  const { container } = render(
    <ViewContext.Provider value={context}>
      <main>
        <h1>MetaClaw</h1>
        <h2>Training</h2>
        <TrainingTab subject={subject} />
      </main>
    </ViewContext.Provider>
  );
  await waitFor(() => {
    expect(screen.queryByText('Loading…')).toBeNull();
  });
  return container;
}

function click(name: string): void {
  fireEvent.click(screen.getByRole('button', { name }));
}

function said(): string[] {
  return server.asked
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path }) => `${method} ${path}`);
}

beforeAll(() => {
  // Answers come when they come, as in a page.
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false });
});

afterEach(() => {
  cleanup();
  server.connection.dispose();
  Notification.dismiss();
  drawn.mockClear();
  redrawn.mockClear();
});

describe('the tab Training', () => {
  it('says how it stands, what is missing, and how far the run is', async () => {
    await shown(FULL);
    screen.getByText('Run 3 trains: step 2 of 10.');
    screen.getByText(/A gate wants 50/);
    const progress = screen.getByRole('progressbar', {
      name: 'Steps of run 3'
    });
    expect(progress.getAttribute('value')).toBe('2');
    screen.getByText('about 2 min left');
  });

  it('draws curves, and has their values in a table for those who hear', async () => {
    await shown(FULL);
    await waitFor(() => {
      expect(drawn).toHaveBeenCalledTimes(3);
    });
    const table = screen.getByRole('table', { name: 'Every step' });
    const rows = within(table).getAllByRole('row');
    expect(rows.map(row => row.textContent)).toEqual([
      'StepRewardKL to the baseLoss',
      '1−0.1000.0100.500',
      '20.4000.0200.400'
    ]);
  });

  it('shows the values instead of the curves where that is wanted', async () => {
    const container = await shown(FULL);
    click('Show as a table');
    expect(container.querySelector('.mc-figure')).toBeNull();
    click('Show as curves');
    expect(container.querySelectorAll('.mc-figure')).toHaveLength(3);
  });

  it('draws what is new into what is there', async () => {
    const answers = { ...FULL };
    await shown(answers);
    await waitFor(() => {
      expect(drawn).toHaveBeenCalledTimes(3);
    });
    const curves = { ...RUN.curves, step: [1, 2, 3], reward: [-0.1, 0.4, 0.6] };
    answers['GET /training'] = { ...ACCOUNT, run: { ...RUN, curves } };
    server.move();
    await waitFor(() => {
      expect(redrawn).toHaveBeenCalledWith([1, 2, 3], expect.anything());
    });
    expect(drawn).toHaveBeenCalledTimes(3);
  });

  it('goes on with a run that waits', async () => {
    await shown({
      ...FULL,
      'GET /training': { ...ACCOUNT, pid: null },
      'POST /training/resume': { run: 3, pid: 78, told: 'It goes on.' }
    });
    click('Resume');
    await waitFor(() => {
      expect(Notification.manager.notifications[0]?.message).toBe(
        'It goes on.'
      );
    });
    expect(said()).toEqual(['POST /training/resume']);
  });

  it('tells of the last run in short', async () => {
    const over = { ...RUN, state: 'done', adapter: 3, gate: GATE };
    await shown({
      ...FULL,
      'GET /training': { ...ACCOUNT, run: null, recent: [over], pid: null }
    });
    screen.getByRole('img', { name: 'reward from −0.10 to +0.40' });
    screen.getByText('Nothing was gained.');
    expect(drawn).not.toHaveBeenCalled();
  });

  it('asks before a run is given up', async () => {
    const waits = { ...ACCOUNT, pid: null };
    await shown({
      ...FULL,
      'GET /training': waits,
      'POST /training/abandon': { run: 3, told: 'Run 3 is given up.' }
    });
    click('Give up…');
    screen.getByText(/Run 3 will be given up at step 2 of 10/);
    expect(said()).toEqual([]);
    click('Give it up');
    await waitFor(() => {
      expect(said()).toEqual(['POST /training/abandon']);
    });
    await waitFor(() => {
      expect(screen.queryByText(/will be given up/)).toBeNull();
    });
  });

  it('says of an empty home what fills it', async () => {
    await shown(EMPTY);
    screen.getByText('Nothing was trained yet.');
    screen.getByText('No adapter yet');
    screen.getByText('No window yet');
  });

  it('says what went wrong, and goes on', async () => {
    await shown({ ...FULL, 'GET /windows': new Refusal(503, 'StoreBusy') });
    screen.getByText(/No\./);
    screen.getByText('Run 3 trains: step 2 of 10.');
  });

  it('goes from a window to its run', async () => {
    await shown(FULL);
    const [, inWindow] = screen.getAllByRole('button', { name: 'run 2' });
    fireEvent.click(inWindow as HTMLElement);
    expect(context.navigation.place).toEqual({
      tab: 'training',
      subject: 'run/2'
    });
  });

  it('tells of a run that is none', async () => {
    await shown(FULL, 'run/99');
    screen.getByText(/There is no \/training\/runs\/99/);
  });
});

describe('a gate', () => {
  it('has candidate, reference and difference side by side', async () => {
    await shown(FULL, 'run/2');
    const table = screen.getByRole('table', { name: '' });
    const rows = within(table)
      .getAllByRole('row')
      .map(row => row.textContent);
    expect(rows).toEqual([
      'New (the candidate)Old (the reference)Difference',
      '✗not passed: gain on held-out tasks, 120 tasks',
      '0.500.75−0.25 (−0.35 to −0.15)',
      '✓passed: no drop against the base, T=0, 40 tasks',
      '1.001.00+0.00 (−0.05 to +0.05)'
    ]);
  });
});

describe('an adapter', () => {
  it('is promoted after a question, and back from the notification', async () => {
    await shown(FULL, 'adapter/3');
    click('Promote…');
    screen.getByText(/in the place of v2.*Its gate said: reject/);
    fireEvent.change(screen.getByRole('textbox'), {
      target: { value: ' a trial ' }
    });
    click('Promote');
    await waitFor(() => {
      expect(screen.queryByRole('textbox')).toBeNull();
    });
    const promoted = server.asked.find(({ method }) => method === 'POST');
    expect(promoted?.body).toEqual({ reason: 'a trial' });
    const told = Notification.manager.notifications[0];
    expect(told?.message).toBe('Adapter v3 serves.');
    told?.options.actions?.[0]?.callback(new MouseEvent('click'));
    await waitFor(() => {
      expect(Notification.manager.notifications[0]?.message).toBe(
        'Adapter v2 serves again.'
      );
    });
    const back = server.asked.find(({ path }) => path === '/adapters/rollback');
    expect(back?.body).toMatchObject({ to: 2 });
  });

  it('keeps the question where the server refuses', async () => {
    const refused = new Refusal(409, 'AdapterRefused', 'Its files are gone.');
    await shown({ ...FULL, 'POST /adapters/3/promote': refused }, 'adapter/3');
    click('Promote…');
    click('Promote');
    expect((await screen.findByRole('alert')).textContent).toContain(
      'Its files are gone.'
    );
    screen.getByRole('textbox');
  });

  it('is left alone by Escape, and the focus comes back', async () => {
    await shown(FULL, 'adapter/3');
    const button = screen.getByRole('button', { name: 'Delete…' });
    button.focus();
    click('Delete…');
    screen.getByText(/its files \(1\.3 MB\) will be deleted for good/);
    fireEvent.keyDown(document.activeElement as Element, { key: 'Escape' });
    expect(screen.queryByText(/will be deleted for good/)).toBeNull();
    expect(document.activeElement).toBe(button);
    expect(said()).toEqual([]);
  });

  it('is not deleted while that can be undone', async () => {
    await shown(FULL, 'adapter/3');
    click('Delete…');
    click('Delete');
    await screen.findByText(/Adapter v3 is being deleted/);
    click('Undo');
    await screen.findByRole('button', { name: 'Delete…' });
    expect(said()).toEqual([]);
  });
});

describe('nothing that keeps anybody out', () => {
  const rules = {
    // jsdom lays nothing out.
    rules: { 'color-contrast': { enabled: false } }
  };

  it.each([
    ['the overview', undefined],
    ['a run', 'run/2'],
    ['an adapter', 'adapter/3']
  ])('is in %s', async (_, subject) => {
    const container = await shown(FULL, subject);
    if (subject?.startsWith('adapter')) {
      click('Promote…');
    }
    const { violations } = await axe.run(container, rules);
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  });
});
