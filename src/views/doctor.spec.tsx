import { Clipboard } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import {
  cleanup,
  fireEvent,
  render,
  screen,
  waitFor
} from '@testing-library/react';
import axe from 'axe-core';
import React from 'react';
import type { Finding } from '../api/schema';
import { Doctor } from '../models/doctor';
import { FakeServer } from '../testing/server';
import { type IViewContext, ViewContext } from './context';
import { DoctorCard } from './doctor';

function finding(name: string, level: Finding['level'], command = ''): Finding {
  return {
    name,
    level,
    sentence: `About ${name}.`,
    next_step: level === 'ok' ? '' : `Mend ${name}.`,
    command
  };
}

let server: FakeServer;
let findings: Finding[];
let startable: boolean;
let held: Promise<void> | undefined;

function shown(): HTMLElement {
  server = new FakeServer(async () => {
    await held;
    return { findings, healthy: false, startable };
  });
  const context = {
    connection: server.connection,
    trans: nullTranslator.load('')
  } as unknown as IViewContext;
  return render(
    <ViewContext.Provider value={context}>
      <DoctorCard doctor={new Doctor(server.connection)} />
    </ViewContext.Provider>
  ).container;
}

beforeAll(() => {
  // Answers come when they come, as in a page.
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false });
});

beforeEach(() => {
  held = undefined;
  startable = true;
  findings = [
    finding('python', 'ok'),
    finding('sandbox', 'warn', 'apt install bubblewrap'),
    finding('policy', 'fail', '%metaclaw connect URL')
  ];
});

afterEach(() => {
  cleanup();
  jest.restoreAllMocks();
  server.connection.dispose();
});

describe("the doctor's card", () => {
  it('looks by itself once, and tells the worst first', async () => {
    let release: () => void = () => undefined;
    held = new Promise(resolve => {
      release = resolve;
    });
    shown();
    await screen.findByText(/Looking…/);
    release();
    await screen.findByText('1 failure, 1 warning');
    const names = screen.getAllByRole('listitem').map(item => item.textContent);
    expect(names[0]).toContain('policy');
    expect(names[1]).toContain('sandbox');
    screen.getByText('One part is well');
    expect(server.asked).toHaveLength(1);
  });

  it('copies the command that mends it, and says where it is run', async () => {
    const copied = jest
      .spyOn(Clipboard, 'copyToSystem')
      .mockImplementation(() => undefined);
    shown();
    fireEvent.click(
      await screen.findByRole('button', { name: 'Copy apt install bubblewrap' })
    );
    expect(copied).toHaveBeenCalledWith('apt install bubblewrap');
    expect(await screen.findAllByText('Copied')).not.toHaveLength(0);
    screen.getByText('in a terminal');
    screen.getByText('in a notebook cell');
  });

  it('says that all is well', async () => {
    findings = [finding('python', 'ok')];
    shown();
    await screen.findByText('All is well.');
  });

  it('looks again, and starts the policy where that is wanted', async () => {
    shown();
    await screen.findByText('1 failure, 1 warning');
    fireEvent.click(
      screen.getByRole('button', { name: 'Start the local policy, and look' })
    );
    await waitFor(() => {
      expect(server.asked.map(({ query }) => query.get('start'))).toEqual([
        'false',
        'true'
      ]);
    });
  });

  it('offers to start only what can be started', async () => {
    startable = false;
    shown();
    await screen.findByText('1 failure, 1 warning');
    expect(screen.queryByRole('button', { name: /Start/ })).toBeNull();
  });

  it('shows what findings hold and runs none of it', async () => {
    findings = [finding('<img src=x onerror=alert(1)>', 'fail', '<b>x</b>')];
    const container = shown();
    await screen.findByText('<b>x</b>');
    expect(container.querySelector('img, b')).toBeNull();
  });

  it('keeps nobody out', async () => {
    const container = shown();
    await screen.findByText('1 failure, 1 warning');
    const { violations } = await axe.run(container, {
      rules: { 'color-contrast': { enabled: false } }
    });
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  });
});
