import { Notification } from '@jupyterlab/apputils';
import { EditorView } from '@codemirror/view';
import { act, fireEvent, screen, waitFor } from '@testing-library/react';
import React from 'react';
import { FakeServer, type IAsked, Refusal } from '../../testing/server';
import { draw, type IDrawn } from '../../testing/view';
import { SkillsTab } from './tab';

const HOSTILE =
  'Do <b>this</b>.<script>window.stolen = true</script><img src="x" onerror="window.stolen = true">\u202e';

/** The skill `dates` as the server keeps it: texts by generation. */
class Home {
  texts: (string | null)[] = [null, 'one', 'two'];
  body = 'Do it.';

  get text(): string | null {
    return this.texts.at(-1) ?? null;
  }

  get current(): number {
    return this.texts.length - 1;
  }

  answer = ({ method, path, query, body }: IAsked): unknown => {
    const sent = (body ?? {}) as { text?: string; base?: string };
    if (
      this.text === null &&
      path.startsWith('/skills/dates') &&
      method === 'GET'
    ) {
      throw new Refusal(404, 'NotFound', 'There is no skill dates.');
    }
    switch (`${method} ${path}`) {
      case 'GET /skills/dates':
        return this.account();
      case 'GET /skills/dates/text': {
        const generation = query.get('generation');
        const text = generation ? this.texts[Number(generation)] : this.text;
        return { name: 'dates', text, base: generation ? '' : text };
      }
      case 'PUT /skills/dates':
        if (sent.base !== this.text) {
          throw new Refusal(409, 'SkillChanged', 'Somebody was faster.');
        }
        return this.change(sent.text ?? '');
      case 'DELETE /skills/dates':
        return this.change(null);
      case 'POST /skills/dates/rollback':
        return this.change(
          this.texts[(body as { generation: number }).generation] ?? null
        );
      default:
        throw new Refusal(404, 'NotFound');
    }
  };

  change(text: string | null): unknown {
    this.texts.push(text);
    return {
      told: 'It is done.',
      before: this.current - 1,
      made: this.current,
      changes: {
        added: [],
        removed: [],
        changed: ['dates'],
        left_out: { added: 0, removed: 0, changed: 0 }
      },
      undo: '',
      notes: []
    };
  }

  account(): unknown {
    const history = this.texts.flatMap((sha256, generation) =>
      generation === 0 ? [] : [{ sha256, generation, cause: 'user', at: 0 }]
    );
    const failure = {
      generation: 1,
      task: 'Write dates.',
      cell_id: 'c1',
      at: 0
    };
    return {
      skill: {
        name: 'dates',
        description: 'About \u202edates',
        body: this.body
      },
      sha256: this.text,
      generation: this.current,
      whence: {
        name: 'dates',
        history,
        failures: [
          {
            ...failure,
            trajectory: 't1',
            said: 'No ISO!',
            notebook: 'here.ipynb'
          },
          { ...failure, trajectory: 't2', said: '', notebook: 'gone.ipynb' },
          { ...failure, trajectory: 't3', said: '', notebook: null, at: null }
        ],
        failure_count: 9,
        use: {
          uses: 41,
          passed: 0,
          failed: 0,
          unchecked: 0,
          helped: 29,
          hurt: 1
        },
        marks: []
      },
      index_texts: 0,
      source: this.text,
      base: this.text,
      problem: '',
      worth: {
        before: { n: 4, mean: 0.31, low: 0.1, high: 0.5, series: [0, 1] },
        after: { n: 9, mean: 0.86, low: 0.79, high: 0.93, series: [1, 1] },
        difference: null,
        sentence: 'Better.'
      }
    };
  }
}

let home: Home;
let server: FakeServer;
let view: IDrawn;

async function begin(): Promise<void> {
  server = new FakeServer(asked => home.answer(asked));
  view = draw(<SkillsTab subject="dates" />, server, ['here.ipynb']);
  await screen.findByText('(deleted or moved)');
}

const button = (name: RegExp | string): HTMLElement =>
  screen.getByRole('button', { name });

/** The editor that is shown, when it has been loaded. */
async function editor(): Promise<EditorView> {
  let found: EditorView | null = null;
  await waitFor(() => {
    const shown = view.drawn.container.querySelector<HTMLElement>('.cm-editor');
    found = shown && EditorView.findFromDOM(shown);
    expect(found).not.toBeNull();
  });
  return found as unknown as EditorView;
}

async function write(text: string): Promise<void> {
  const { state, dispatch } = await editor().then(found => ({
    state: found.state,
    dispatch: found.dispatch.bind(found)
  }));
  act(() => {
    dispatch({ changes: { from: 0, to: state.doc.length, insert: text } });
  });
}

/** Press the undo of the newest notification. */
async function undo(): Promise<void> {
  const [newest] = Notification.manager.notifications;
  const [action] = newest?.options.actions ?? [];
  expect(action?.label).toBe('Undo');
  await act(async () => {
    action?.callback(new MouseEvent('click'));
    await Promise.resolve();
  });
}

beforeEach(() => {
  home = new Home();
  Notification.manager.dismiss();
});

afterEach(() => {
  view.drawn.unmount();
  server.connection.dispose();
});

describe('SkillPage', () => {
  it('tells what a skill is worth, with numbers and uncertainty', async () => {
    await begin();
    const { container } = view.drawn;
    expect(container.querySelector('.mc-uses')?.textContent).toBe(
      'Uses 41helped 29hurt 1no sign 11'
    );
    expect(container.textContent).toContain('0.31 (0.10 to 0.50), 4 tasks');
    expect(container.textContent).toContain('0.86 (0.79 to 0.93), 9 tasks');
    expect(screen.getAllByRole('img')).toHaveLength(2);
  });

  it('leads to failures, and says which notebook is gone', async () => {
    await begin();
    await screen.findByText('(deleted or moved)');
    expect(screen.getByTitle('Open here.ipynb')).toBeTruthy();
    expect(screen.queryByTitle('Open gone.ipynb')).toBeNull();
    screen.getByText('A task that is not kept any more.');
    screen.getByText('and 6 more failures');
    fireEvent.click(screen.getAllByText('why ›')[0] ?? document.body);
    expect(view.navigation.place).toEqual({ tab: 'scores', subject: 't1' });
  });

  it('runs nothing of a hostile text, and writes out what is hidden', async () => {
    home.body = HOSTILE;
    home.texts = [null, HOSTILE];
    await begin();
    const { container } = view.drawn;
    await waitFor(() => {
      expect(container.querySelector('.mc-rendered b')?.textContent).toBe(
        'this'
      );
    });
    expect(
      container.querySelector('.mc-rendered script, .mc-rendered img')
    ).toBeNull();
    expect(container.querySelector('.mc-rendered')?.textContent).toContain(
      '⟦U+202E⟧'
    );
    screen.getByText(/One character in it cannot be seen/);
    fireEvent.click(button('Source'));
    await editor();
    expect(container.querySelector('.cm-content')?.textContent).toContain(
      '<script>window.stolen = true</script>'
    );
    expect(container.querySelector('.mc-hidden-character')?.textContent).toBe(
      '⟦U+202E⟧'
    );
    expect(container.querySelector('script, img[src]')).toBeNull();
    expect(window).not.toHaveProperty('stolen');
  });

  it('shows a very long text as it is written', async () => {
    home.body = 'word '.repeat(200_000);
    home.texts = [null, home.body];
    await begin();
    expect(screen.queryByRole('button', { name: 'Rendered' })).toBeNull();
    await editor();
    expect(view.drawn.container.innerHTML.length).toBeLessThan(300_000);
  });

  it('saves an edit, and takes it back', async () => {
    await begin();
    fireEvent.click(button('Edit'));
    await write('three');
    fireEvent.click(button('Save'));
    await waitFor(() => {
      expect(Notification.manager.count).toBe(1);
    });
    expect(home.text).toBe('three');
    await undo();
    await waitFor(() => {
      expect(home.text).toBe('two');
    });
  });

  it('keeps an edit that is not saved while one looks elsewhere', async () => {
    await begin();
    fireEvent.click(button('Edit'));
    await write('mine');
    view.drawn.unmount();
    view = draw(<SkillsTab subject="dates" />, server, ['here.ipynb']);
    await screen.findByText('(deleted or moved)');
    const found = await editor();
    expect(found.state.doc.toString()).toBe('mine');
    button(/^Edit.*not saved$/);
  });

  it('shows both texts where somebody else was faster, and loses none', async () => {
    await begin();
    fireEvent.click(button('Edit'));
    await write('mine');
    home.change('theirs');
    fireEvent.click(button('Save'));
    await screen.findByRole('button', { name: 'Save mine over theirs' });
    expect(home.text).toBe('theirs');
    await waitFor(() => {
      const shown = view.drawn.container.querySelector('.cm-editor');
      expect(shown?.textContent).toContain('theirs');
      expect(shown?.textContent).toContain('mine');
    });
    fireEvent.click(button('Save mine over theirs'));
    await waitFor(() => {
      expect(home.text).toBe('mine');
    });
    expect(home.texts).toContain('theirs');
  });

  it('says while one writes that somebody has saved another text', async () => {
    await begin();
    fireEvent.click(button('Edit'));
    await write('mine');
    home.change('theirs');
    act(() => {
      server.move();
    });
    await screen.findByText(/Somebody has saved another text since/);
    expect((await editor()).state.doc.toString()).toBe('mine');
  });

  it('keeps an edit of a skill that somebody has deleted', async () => {
    await begin();
    fireEvent.click(button('Edit'));
    await write('mine');
    home.change(null);
    act(() => {
      server.move();
    });
    await screen.findByText('What you have written is still here.');
    expect((await editor()).state.doc.toString()).toBe('mine');
  });

  it('has a file mended that was never a skill', async () => {
    const broken = {
      name: 'dates',
      text: 'no\u200bname',
      base: 'b',
      problem: 'It has no name.'
    };
    server = new FakeServer(({ method, path, body }) => {
      if (method === 'PUT') {
        const { text, base } = body as { text: string; base: string };
        expect(base).toBe('b');
        home.texts = [null, text];
        return home.change(text);
      }
      if (home.text === 'mended') {
        return path.endsWith('/text')
          ? { text: '', base: 'c' }
          : home.account();
      }
      if (path.endsWith('/text')) {
        return broken;
      }
      throw new Refusal(404, 'NotFound', 'There is no skill dates.');
    });
    view = draw(<SkillsTab subject="dates" />, server);
    await screen.findByText('It has no name.');
    screen.getByText(/One character in it cannot be seen/);
    await write('mended');
    fireEvent.click(button('Save'));
    await waitFor(() => {
      expect(Notification.manager.count).toBe(1);
    });
    expect(home.text).toBe('mended');
    const [told] = Notification.manager.notifications;
    expect(told?.options.actions).toEqual([]);
  });

  it('gives an edit up, and brings it back', async () => {
    await begin();
    fireEvent.click(button('Edit'));
    await write('mine');
    fireEvent.click(button('Give up'));
    await undo();
    button(/^Edit.*not saved$/);
  });

  it('says what a deletion does, deletes, and undoes it', async () => {
    await begin();
    fireEvent.click(button('Delete…'));
    screen.getByText(/goes out of the library/);
    expect(home.text).toBe('two');
    fireEvent.click(button('Delete'));
    await waitFor(() => {
      expect(Notification.manager.count).toBe(1);
    });
    expect(home.text).toBeNull();
    await undo();
    await waitFor(() => {
      expect(home.text).toBe('two');
    });
  });

  it('shows what a rollback changes before it is done', async () => {
    await begin();
    fireEvent.click(button('Versions'));
    fireEvent.click(button('Roll back to g1…'));
    const preview = await editor();
    expect(preview.state.doc.toString()).toBe('one');
    expect(home.text).toBe('two');
    fireEvent.click(button('Roll back to g1'));
    await screen.findByRole('button', { name: 'Roll back to g2…' });
    expect(home.text).toBe('one');
  });
});
