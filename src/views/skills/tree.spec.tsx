import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import React from 'react';
import { FakeServer, type IAsked, until } from '../../testing/server';
import { draw, type IDrawn } from '../../testing/view';
import { LibraryView } from './library';

const NAMES = Array.from(
  { length: 10_000 },
  (_, index) => `skill-${String(index).padStart(5, '0')}`
);
const HEIGHT = 480;

let description = 'About it';

function answers({ path, query }: IAsked): unknown {
  const names = NAMES.filter(name => name.includes(query.get('search') ?? ''));
  if (path === '/library/groups') {
    const groups = [
      { key: 'hand', label: 'by hand', count: 3 },
      { key: 'notebook:/r.ipynb', label: 'r.ipynb', count: names.length }
    ];
    return {
      by: query.get('by'),
      generation: 7,
      total: names.length,
      groups: names.length > 0 ? groups : [],
      problems: [
        { folder: 'broken', sentence: 'It has no name.', loaded: false }
      ],
      folder: '/home/skills'
    };
  }
  const offset = Number(query.get('offset'));
  const all = query.get('group') === 'hand' ? names.slice(0, 3) : names;
  const rows = all.slice(offset, offset + Number(query.get('limit')));
  return {
    rows: rows.map(name => ({
      name,
      description,
      sha256: name,
      generation: 1,
      cause: 'evolver',
      at: 0,
      uses: 4,
      helped: 2,
      hurt: 1,
      marks: ['pinned']
    })),
    total: all.length,
    offset
  };
}

let server: FakeServer;
let view: IDrawn;

async function begin(): Promise<HTMLElement> {
  server = new FakeServer(answers);
  await until(() => server.connection.state === 'open');
  view = draw(<LibraryView />, server);
  return screen.findByRole('tree');
}

const active = (tree: HTMLElement): HTMLElement => {
  const id = tree.getAttribute('aria-activedescendant') ?? '';
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`Nothing in the page is called ${id}.`);
  }
  return found;
};

const press = (tree: HTMLElement, ...keys: string[]): void => {
  for (const key of keys) {
    fireEvent.keyDown(tree, { key });
  }
};

beforeAll(() => {
  // jsdom lays nothing out.
  for (const [name, value] of Object.entries({
    offsetHeight: HEIGHT,
    offsetWidth: 300,
    clientHeight: HEIGHT,
    scrollHeight: 1_000_000
  })) {
    Object.defineProperty(HTMLElement.prototype, name, {
      configurable: true,
      get: () => value
    });
  }
  HTMLElement.prototype.scrollTo = function (
    this: HTMLElement,
    to?: ScrollToOptions | number
  ) {
    this.scrollTop = typeof to === 'object' ? (to.top ?? 0) : 0;
    setTimeout(() => {
      fireEvent.scroll(this);
    });
  };
});

beforeEach(() => {
  description = 'About it';
});

afterEach(() => {
  view.drawn.unmount();
  server.connection.dispose();
});

describe('SkillTree', () => {
  it('has few rows in the page, however many there are', async () => {
    const tree = await begin();
    press(tree, '*', 'End');
    await waitFor(() => {
      expect(active(tree).getAttribute('aria-label')).toMatch(/^skill-09999/);
    });
    expect(within(tree).getAllByRole('treeitem').length).toBeLessThan(100);
    expect(active(tree).getAttribute('aria-posinset')).toBe('10000');
    expect(active(tree).getAttribute('aria-setsize')).toBe('10000');
  });

  it('goes by arrows, home and end, opens and closes', async () => {
    const tree = await begin();
    expect(active(tree).getAttribute('aria-expanded')).toBe('false');
    press(tree, 'ArrowRight');
    expect(active(tree).getAttribute('aria-expanded')).toBe('true');
    press(tree, 'ArrowRight', 'ArrowDown');
    await waitFor(() => {
      expect(active(tree).getAttribute('aria-label')).toMatch(/^skill-00001/);
    });
    expect(active(tree).getAttribute('aria-level')).toBe('2');
    press(tree, 'ArrowLeft');
    expect(active(tree).textContent).toContain('by hand');
    press(tree, 'ArrowLeft', 'End');
    expect(active(tree).textContent).toContain('r.ipynb');
    press(tree, 'Home', 'ArrowUp');
    expect(active(tree).textContent).toContain('by hand');
  });

  it('goes to what is typed, though it was never asked for', async () => {
    const tree = await begin();
    press(tree, 'End', 'ArrowRight', 'ArrowDown');
    press(tree, ...'skill-07'.split(''));
    await waitFor(() => {
      expect(active(tree).getAttribute('aria-label')).toMatch(/^skill-07000/);
    });
  });

  it('opens a skill by key and by click', async () => {
    const tree = await begin();
    press(tree, 'ArrowRight', 'ArrowDown');
    await waitFor(() => {
      expect(active(tree).getAttribute('aria-label')).toMatch(/^skill-00000/);
    });
    press(tree, 'Enter');
    expect(view.navigation.place).toEqual({
      tab: 'skills',
      subject: 'skill-00000'
    });
    fireEvent.click(within(tree).getAllByRole('treeitem')[2] ?? tree);
    expect(view.navigation.place.subject).toBe('skill-00001');
  });

  it('says in words what is shown by signs', async () => {
    const tree = await begin();
    press(tree, 'ArrowRight');
    const line = await screen.findByLabelText(/^skill-00000/);
    expect(line.getAttribute('aria-label')).toBe(
      'skill-00000, pinned, used 4 times, helped 2, hurt 1, About it'
    );
  });

  it('shows markup and hidden characters as what they are', async () => {
    description = '<img src=x onerror=steal()>\u202egnp.exe';
    const tree = await begin();
    press(tree, 'ArrowRight');
    await screen.findByLabelText(/^skill-00000/);
    expect(tree.querySelector('img')).toBeNull();
    expect(tree.textContent).toContain(
      '<img src=x onerror=steal()>⟦U+202E⟧gnp.exe'
    );
  });

  it('searches, and says how many are left', async () => {
    await begin();
    fireEvent.change(screen.getByRole('searchbox'), {
      target: { value: '0999' }
    });
    await screen.findByText('11 skills with “0999”');
    await screen.findByText('11 skills are shown.');
    fireEvent.change(screen.getByRole('searchbox'), {
      target: { value: 'zebra' }
    });
    await screen.findByText('No skill has “zebra”');
  });

  it('leads to the files that need a look', async () => {
    await begin();
    fireEvent.click(screen.getByText('Open broken'));
    expect(view.navigation.place.subject).toBe('broken');
  });

  it('comes back to where one was', async () => {
    const tree = await begin();
    press(tree, 'ArrowRight', 'ArrowDown', 'ArrowDown');
    await waitFor(() => {
      expect(active(tree).getAttribute('aria-label')).toMatch(/^skill-00001/);
    });
    view.drawn.unmount();
    const again = draw(<LibraryView />, server);
    const found = await screen.findByRole('tree');
    expect(active(found).getAttribute('aria-label')).toMatch(/^skill-00001/);
    again.drawn.unmount();
  });
});
