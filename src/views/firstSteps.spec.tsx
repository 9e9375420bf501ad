import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import {
  cleanup,
  fireEvent,
  render,
  screen,
  waitFor
} from '@testing-library/react';
import axe from 'axe-core';
import React from 'react';
import type { Status } from '../api/schema';
import { FirstSteps } from '../models/firstSteps';
import { FakeServer } from '../testing/server';
import { CommandIDs } from '../tokens';
import { type IViewContext, ViewContext } from './context';
import { FirstStepsView } from './firstSteps';

const NEW = {
  policy: 'embedded practice model',
  practice_only: true,
  skills: 0,
  gpu: false
} as Status;

let server: FakeServer;
let firstSteps: FirstSteps;
let ran: string[];

async function shown(status: Status): Promise<HTMLElement> {
  server = new FakeServer(() => ({}));
  const commands = new CommandRegistry();
  for (const id of [CommandIDs.newAgentCell, CommandIDs.openSettings]) {
    commands.addCommand(id, {
      execute: () => {
        ran.push(id);
      }
    });
  }
  const context = {
    connection: server.connection,
    firstSteps,
    commands,
    trans: nullTranslator.load('')
  } as unknown as IViewContext;
  await server.connection.look();
  return render(
    <ViewContext.Provider value={context}>
      <FirstStepsView status={status} />
    </ViewContext.Provider>
  ).container;
}

beforeAll(() => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false });
});

beforeEach(() => {
  firstSteps = new FirstSteps();
  ran = [];
});

afterEach(() => {
  cleanup();
  server.connection.dispose();
});

describe('the first steps', () => {
  it('say what a new home lacks, each with what to do', async () => {
    await shown(NEW);
    screen.getByText('A small practice model answers');
    screen.getByText('%metaclaw connect http://localhost:11434/v1 --save');
    screen.getByText('No GPU');
    fireEvent.click(screen.getByRole('button', { name: 'New agent cell' }));
    fireEvent.click(screen.getByRole('button', { name: 'Open the settings' }));
    expect(ran).toEqual([CommandIDs.newAgentCell, CommandIDs.openSettings]);
  });

  it('take no room where all is well', async () => {
    const container = await shown({
      ...NEW,
      practice_only: false,
      skills: 2,
      gpu: true
    });
    expect(container.childElementCount).toBe(0);
  });

  it('put a hint away', async () => {
    await shown(NEW);
    fireEvent.click(
      screen.getByRole('button', { name: 'Hide the hint: No GPU' })
    );
    await waitFor(() => {
      expect(screen.queryByText('No GPU')).toBeNull();
    });
  });

  it('tell of a kernel of another version, which cannot be put away', async () => {
    await shown({ ...NEW, practice_only: false, skills: 1, gpu: true });
    firstSteps.hear({ version: '0.0.9', home: 'h' });
    await screen.findByText(/The kernel runs version 0.0.9, the server 1/);
    expect(screen.queryByRole('button', { name: /Hide/ })).toBeNull();
    // The page has no notebooks: there is no command for it.
    expect(screen.queryByText('Restart the kernel')).toBeNull();
  });

  it('keep nobody out', async () => {
    const container = await shown(NEW);
    firstSteps.hear({ version: '0.0.9', home: 'h' });
    await screen.findByText(/0.0.9/);
    const { violations } = await axe.run(container, {
      rules: { 'color-contrast': { enabled: false } }
    });
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  });
});
