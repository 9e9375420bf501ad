import { nullTranslator } from '@jupyterlab/translation';
import {
  cleanup,
  fireEvent,
  render,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import axe from 'axe-core';
import React from 'react';
import type { Setting } from '../../api/schema';
import { SettingsForm } from '../../models/settings';
import { FakeServer, type IAsked, Refusal } from '../../testing/server';
import { type IViewContext, ViewContext } from '../context';
import { SettingsView } from './panel';

function setting(key: string, changes: Partial<Setting> = {}): Setting {
  return {
    key,
    section: key.slice(0, key.indexOf('.')),
    value: null,
    default: null,
    source: 'default',
    description: `About ${key}.`,
    kind: 'text',
    choices: [],
    minimum: null,
    maximum: null,
    nullable: false,
    locked: false,
    overridden: false,
    variable: `METACLAW_${key.replace('.', '_').toUpperCase()}`,
    ...changes
  };
}

const STEPS = setting('agent.steps', {
  kind: 'integer',
  value: 6,
  default: 6,
  minimum: 1,
  maximum: 50
});
const MODE = setting('agent.mode', {
  kind: 'choice',
  choices: ['ask', 'auto'],
  value: 'ask',
  default: 'ask'
});
const LEARN = setting('agent.learn', {
  kind: 'bool',
  value: true,
  default: true
});
const URL = setting('policy.base_url', { nullable: true });
const EXTRA = setting('policy.extra', {
  kind: 'table',
  value: {},
  default: {}
});
const ISOLATION = setting('sandbox.isolation', {
  kind: 'choice',
  choices: ['auto', 'require'],
  value: 'require',
  default: 'auto',
  source: 'administrator',
  locked: true
});
const SECONDS = setting('sandbox.seconds', {
  kind: 'number',
  value: 3,
  default: 30,
  source: 'environment',
  overridden: true
});

let server: FakeServer;
let looked: number;
let known: Setting[];
let notes: string[];
let answers: (asked: IAsked) => unknown;

async function shown(): Promise<HTMLElement> {
  server = new FakeServer(asked => answers(asked));
  const context = {
    connection: server.connection,
    trans: nullTranslator.load('')
  } as unknown as IViewContext;
  const form = new SettingsForm(server.connection);
  const acts = {
    look: () => {
      looked += 1;
    }
  };
  const { container } = render(
    <ViewContext.Provider value={context}>
      <SettingsView form={form} acts={acts} />
    </ViewContext.Provider>
  );
  await waitFor(() => {
    expect(screen.queryByText('Loading…')).toBeNull();
  });
  return container;
}

function box(name: string): HTMLInputElement {
  return screen.getByLabelText<HTMLInputElement>(name);
}

function writes(): [string, string, unknown][] {
  return server.asked
    .filter(({ method }) => method !== 'GET')
    .map(({ method, path, body }) => [method, path, body]);
}

function type(name: string, text: string, key = 'Enter'): void {
  fireEvent.change(box(name), { target: { value: text } });
  fireEvent.keyDown(box(name), { key });
}

beforeAll(() => {
  // Answers come when they come, as in a page.
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false });
});

beforeEach(() => {
  looked = 0;
  notes = [];
  known = [STEPS, MODE, LEARN, URL, EXTRA, ISOLATION, SECONDS];
  answers = ({ method, path, body }) => {
    if (method === 'GET') {
      return { path: '/home/config.toml', settings: known, notes };
    }
    const key = path.split('/')[2];
    known = known.map(one =>
      one.key !== key
        ? one
        : method === 'DELETE'
          ? { ...one, value: one.default, source: 'default' }
          : {
              ...one,
              value: (body as { value: unknown }).value,
              source: 'config.toml'
            }
    );
    return known.find(one => one.key === key);
  };
});

afterEach(() => {
  cleanup();
  server.connection.dispose();
});

describe('the settings', () => {
  it('stand in sections, each with its name, what it does and its default', async () => {
    await shown();
    const agent = screen.getByRole('region', { name: 'Agent' });
    expect(within(agent).getAllByText(/^(steps|mode|learn)$/)).toHaveLength(3);
    within(agent).getByText(/About agent.steps/);
    within(agent).getByText('1 to 50');
    screen.getByText('default: 30');
    expect(within(agent).getAllByText('default')).toHaveLength(3);
    screen.getByText('/home/config.toml');
  });

  it('say where a value comes from', async () => {
    await shown();
    screen.getByText(
      'the environment variable METACLAW_SANDBOX_SECONDS, over config.toml'
    );
    screen.getByText('Locked: the administrator');
  });

  it('cannot be changed where an administrator has locked them', async () => {
    await shown();
    expect(box('isolation').disabled).toBe(true);
    expect(
      screen.queryByRole('button', { name: /Reset sandbox.isolation/ })
    ).toBeNull();
  });

  it('write a number when Enter is pressed, and not again when it is left', async () => {
    await shown();
    type('steps', '9');
    fireEvent.blur(box('steps'));
    await screen.findByText('Saved');
    expect(writes()).toEqual([['PUT', '/settings/agent.steps', { value: 9 }]]);
    expect(box('steps').value).toBe('9');
  });

  it('write a choice and a switch at once', async () => {
    await shown();
    fireEvent.change(box('mode'), { target: { value: 'auto' } });
    fireEvent.click(box('learn'));
    await waitFor(() => {
      expect(screen.getAllByText('Saved')).toHaveLength(2);
    });
    expect(writes().map(([, , body]) => body)).toEqual([
      { value: 'auto' },
      { value: false }
    ]);
  });

  it('unset what is emptied, and read tables as JSON', async () => {
    known = known.map(one =>
      one === URL ? { ...URL, value: 'http://a' } : one
    );
    await shown();
    type('base url', '');
    type('extra', '{"top_p": 0.9}');
    await waitFor(() => {
      expect(writes().map(([, , body]) => body)).toEqual([
        { value: null },
        { value: { top_p: 0.9 } }
      ]);
    });
  });

  it('keep what was typed wrongly, say what is wrong, and write nothing', async () => {
    await shown();
    type('steps', 'many');
    await screen.findByText(/This is no number/);
    expect(box('steps').value).toBe('many');
    expect(box('steps').getAttribute('aria-invalid')).toBe('true');
    fireEvent.keyDown(box('steps'), { key: 'Escape' });
    await waitFor(() => {
      expect(box('steps').value).toBe('6');
    });
    expect(box('steps').getAttribute('aria-invalid')).toBe('false');
    expect(writes()).toEqual([]);
  });

  it('tell what the server has refused at the field', async () => {
    const usual = answers;
    answers = asked => {
      if (asked.method === 'PUT') {
        throw new Refusal(400, 'SettingInvalid', 'It should be less than 50.');
      }
      return usual(asked);
    };
    await shown();
    type('steps', '99');
    const alert = await screen.findByText(
      /It should be less than 50. Try something else./
    );
    expect(box('steps').getAttribute('aria-describedby')).toContain(
      alert.closest('[role="alert"]')?.id
    );
    expect(box('steps').value).toBe('99');
    fireEvent.blur(box('steps'));
    expect(writes()).toHaveLength(1);
    fireEvent.keyDown(box('steps'), { key: 'Escape' });
    await waitFor(() => {
      expect(box('steps').value).toBe('6');
    });
    expect(screen.queryByText(/It should be less/)).toBeNull();
  });

  it('go back to the default, and back again', async () => {
    await shown();
    type('steps', '9');
    fireEvent.click(
      await screen.findByRole('button', {
        name: 'Reset agent.steps to its default'
      })
    );
    await waitFor(() => {
      expect(box('steps').value).toBe('6');
    });
    fireEvent.click(
      await screen.findByRole('button', {
        name: 'Undo the change of agent.steps'
      })
    );
    await waitFor(() => {
      expect(box('steps').value).toBe('9');
    });
  });

  it('are not disturbed in what is typed by a change from elsewhere', async () => {
    await shown();
    fireEvent.change(box('steps'), { target: { value: '1' } });
    known = known.map(one => (one === STEPS ? { ...STEPS, value: 30 } : one));
    server.move();
    await waitFor(() => {
      expect(
        server.asked.filter(({ method }) => method === 'GET')
      ).toHaveLength(2);
    });
    expect(box('steps').value).toBe('1');
  });

  it('are found by words, and those that are set alone', async () => {
    await shown();
    fireEvent.change(screen.getByRole('searchbox'), {
      target: { value: 'base url' }
    });
    await screen.findByText('1 setting found');
    expect(screen.queryByLabelText('steps')).toBeNull();
    fireEvent.change(screen.getByRole('searchbox'), {
      target: { value: 'zz' }
    });
    await screen.findByText('No setting is like that');
    fireEvent.change(screen.getByRole('searchbox'), { target: { value: '' } });
    fireEvent.click(box('Only what is set'));
    await waitFor(() => {
      expect(screen.queryByLabelText('steps')).toBeNull();
    });
    box('isolation');
  });

  it('bring one to a section', async () => {
    Element.prototype.scrollIntoView = jest.fn();
    await shown();
    fireEvent.click(screen.getByRole('button', { name: 'Sandbox' }));
    expect(document.activeElement?.textContent).toBe('Sandbox');
  });

  it('say what was left out of account, and look whether all works', async () => {
    notes = ['policy.key_env is left out.'];
    await shown();
    screen.getByText('policy.key_env is left out.');
    fireEvent.click(
      screen.getByRole('button', { name: 'Look whether all is in order' })
    );
    expect(looked).toBe(1);
  });

  it('say why a file cannot be read', async () => {
    answers = () => {
      throw new Refusal(409, 'ConfigError', 'Line 1, column 2: no value.');
    };
    await shown();
    screen.getByText(/Line 1, column 2/);
  });

  it('keep nobody out', async () => {
    const container = await shown();
    type('steps', 'many');
    await screen.findByText(/This is no number/);
    const { violations } = await axe.run(container, {
      rules: { 'color-contrast': { enabled: false } }
    });
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  });
});
