import type { Setting, SettingList } from '../api/schema';
import { FakeServer, Refusal, until } from '../testing/server';
import { SettingsForm } from './settings';

const STEPS = 'agent.steps';
const URL = 'policy.base_url';
const KEY = 'policy.key_env';

function setting(key: string, changes: Partial<Setting> = {}): Setting {
  const [section = ''] = key.split('.');
  return {
    key,
    section,
    value: null,
    default: null,
    source: 'default',
    description: '',
    kind: 'text',
    choices: [],
    minimum: null,
    maximum: null,
    nullable: true,
    locked: false,
    overridden: false,
    variable: '',
    ...changes
  };
}

/** A server with a configuration, in which a key goes with the address that it was for. */
class Configured {
  file: Record<string, unknown> = {};
  environment: Record<string, unknown> = {};
  refuses = false;
  held: Promise<void> | undefined;

  readonly server = new FakeServer(async ({ method, path, body }) => {
    const key = path.split('/')[2] ?? '';
    if (method !== 'GET') {
      await this.held;
      if (this.refuses) {
        throw new Refusal(400, 'SettingInvalid', 'That cannot be.');
      }
    }
    if (method === 'PUT') {
      const { value } = body as { value: unknown };
      if (key === URL && value !== this.file[URL]) {
        this.unset(KEY);
      }
      this.file[key] = value;
    }
    if (method === 'DELETE') {
      this.unset(key);
    }
    return method === 'GET' ? this.list() : this.one(key);
  });

  unset(key: string): void {
    this.file = Object.fromEntries(
      Object.entries(this.file).filter(([name]) => name !== key)
    );
  }

  list(): SettingList {
    const settings = [STEPS, 'agent.mode', URL, KEY].map(key => this.one(key));
    return { path: '/config.toml', settings, notes: [] };
  }

  one(key: string): Setting {
    const description = key === STEPS ? 'Most steps of one task.' : '';
    if (key in this.environment) {
      const value = this.environment[key];
      const overridden = key in this.file;
      return setting(key, { value, source: 'environment', overridden });
    }
    return key in this.file
      ? setting(key, {
          value: this.file[key],
          source: 'config.toml',
          description
        })
      : setting(key, { description });
  }

  get writes(): string[] {
    return this.server.asked
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => `${method} ${path}`);
  }
}

describe('SettingsForm', () => {
  let configured: Configured;
  let form: SettingsForm;

  beforeEach(async () => {
    configured = new Configured();
    form = new SettingsForm(configured.server.connection);
    await form.list.refresh();
  });

  afterEach(() => {
    configured.server.connection.dispose();
  });

  const value = (key: string): unknown =>
    form.list.value?.settings.find(one => one.key === key)?.value;

  it('groups settings by their section, in order', () => {
    expect(
      form
        .sections()
        .map(({ name, settings }) => [name, settings.map(({ key }) => key)])
    ).toEqual([
      ['agent', [STEPS, 'agent.mode']],
      ['policy', [URL, KEY]]
    ]);
  });

  it('finds all words, in keys as people write them and in descriptions', () => {
    form.search = '  TASK most ';
    expect(form.sections().flatMap(({ settings }) => settings)).toHaveLength(1);
    form.search = 'base url';
    expect(form.sections().map(({ name }) => name)).toEqual(['policy']);
  });

  it('shows only what somebody has set', async () => {
    await form.put(STEPS, 3);
    form.onlySet = true;
    expect(
      form.sections().flatMap(({ settings }) => settings.map(({ key }) => key))
    ).toEqual([STEPS]);
  });

  it('writes a value and shows it', async () => {
    await form.put(STEPS, 3);
    expect(value(STEPS)).toBe(3);
    expect(form.field(STEPS)).toMatchObject({ saving: false, done: 'saved' });
  });

  it('does not write what is in force', async () => {
    await form.put(STEPS, 3);
    await form.put(STEPS, 3);
    expect(configured.writes).toEqual([`PUT /settings/${STEPS}`]);
  });

  it('writes the last of what is asked for meanwhile, and nothing in between', async () => {
    let release: () => void = () => undefined;
    configured.held = new Promise(resolve => {
      release = resolve;
    });
    const first = form.put(STEPS, 1);
    await until(() => configured.writes.length === 1);
    void form.put(STEPS, 2);
    void form.put(STEPS, 3);
    configured.held = undefined;
    release();
    await first;
    expect(configured.writes).toHaveLength(2);
    expect(value(STEPS)).toBe(3);
  });

  it('keeps why a value was refused at its field, until the next change', async () => {
    configured.refuses = true;
    await form.put(STEPS, 3);
    expect(form.field(STEPS).error?.message).toBe('That cannot be.');
    expect(form.field(STEPS).done).toBeUndefined();
    configured.refuses = false;
    await form.put(STEPS, 4);
    expect(form.field(STEPS).error).toBeUndefined();
  });

  it('takes the refusal away when the value in force is put back', async () => {
    configured.refuses = true;
    await form.put(STEPS, 3);
    await form.put(STEPS, null);
    expect(form.field(STEPS).error).toBeUndefined();
    expect(configured.writes).toHaveLength(1);
  });

  it('resets to the default, and back', async () => {
    await form.put(STEPS, 3);
    await form.reset(STEPS);
    expect([value(STEPS), form.field(STEPS).done]).toEqual([null, 'reset']);
    await form.undo(STEPS);
    expect(configured.file).toEqual({ [STEPS]: 3 });
    expect(form.field(STEPS).undoable).toBe(false);
  });

  it('undoes a first value by taking it out of the file', async () => {
    await form.put(STEPS, 3);
    await form.undo(STEPS);
    expect(configured.file).toEqual({});
  });

  it('brings back what went with a change', async () => {
    await form.put(URL, 'http://a/v1');
    await form.put(KEY, 'A');
    await form.put(URL, 'http://b/v1');
    expect(configured.file).toEqual({ [URL]: 'http://b/v1' });
    await form.undo(URL);
    expect(configured.file).toEqual({ [URL]: 'http://a/v1', [KEY]: 'A' });
  });

  it('offers no undo of what it could not see', async () => {
    configured.file = { [STEPS]: 1 };
    configured.environment = { [STEPS]: 5 };
    await form.list.refresh();
    await form.put(STEPS, 5);
    expect(configured.file).toEqual({ [STEPS]: 5 });
    expect(form.field(STEPS).undoable).toBe(false);
  });
});
