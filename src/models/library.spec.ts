import { FakeServer, type IAsked, Refusal, until } from '../testing/server';
import { Library } from './library';
import { PAGE } from './rowPages';

const NAMES = Array.from(
  { length: 10_000 },
  (_, index) => `skill-${String(index).padStart(5, '0')}`
);

const row = (name: string) => ({
  name,
  description: `About ${name}`,
  sha256: name,
  generation: 1,
  cause: 'evolver',
  at: 0,
  uses: 0,
  helped: 0,
  hurt: 0,
  marks: []
});

/** A library with a small group, and a large one behind it. */
function answers({ path, query }: IAsked): unknown {
  const search = query.get('search') ?? '';
  const names = NAMES.filter(name => name.includes(search));
  if (path === '/library/groups') {
    const groups = [
      { key: 'hand', label: 'by hand', count: Math.min(5, names.length) },
      { key: 'nb', label: 'report.ipynb', count: names.length }
    ];
    return {
      by: query.get('by'),
      generation: 1,
      total: names.length,
      groups,
      problems: [],
      folder: '/'
    };
  }
  const offset = Number(query.get('offset'));
  const all = query.get('group') === 'hand' ? names.slice(0, 5) : names;
  const rows = all.slice(offset, offset + Number(query.get('limit')));
  return { rows: rows.map(row), total: all.length, offset };
}

let server: FakeServer;
let library: Library;

async function begin(
  of: (asked: IAsked) => unknown = answers
): Promise<Library> {
  server = new FakeServer(of);
  await until(() => server.connection.state === 'open');
  library = new Library(server.connection);
  library.watch();
  await until(() => library.groups.value !== undefined);
  return library;
}

function open(key: string): void {
  const group = library.groups.value?.groups.find(each => each.key === key);
  if (group) {
    library.toggle(group, true);
  }
}

const rowsAsked = (): IAsked[] =>
  server.asked.filter(({ path }) => path === '/library/rows');

afterEach(() => {
  server.connection.dispose();
});

describe('Library', () => {
  it('shows the groups of a large library, and asks for no row', async () => {
    await begin();
    expect(library.length).toBe(2);
    expect(library.line(1)?.group.label).toBe('report.ipynb');
    expect(rowsAsked()).toHaveLength(0);
  });

  it('asks for the pages that are seen, each once', async () => {
    await begin();
    open('nb');
    expect(library.length).toBe(10_002);
    library.need(2 + PAGE - 10, 2 + PAGE + 10);
    library.need(2 + PAGE - 10, 2 + PAGE + 10);
    await until(() => library.line(2 + PAGE)?.row !== undefined);
    expect(library.line(2 + PAGE)?.row?.name).toBe(NAMES[PAGE]);
    expect(rowsAsked().map(({ query }) => query.get('offset'))).toEqual([
      '0',
      String(PAGE)
    ]);
  });

  it('asks for rows of several groups at once', async () => {
    await begin();
    library.toggleAll(true);
    library.need(0, 20);
    await until(
      () =>
        library.line(1)?.row !== undefined && library.line(7)?.row !== undefined
    );
    expect(rowsAsked().map(({ query }) => query.get('group'))).toEqual([
      'hand',
      'nb'
    ]);
  });

  it('opens the groups of a search, and forgets that afterwards', async () => {
    await begin();
    library.ask({ search: '0000' });
    await until(() => library.length === 2 + 5 + 10);
    library.ask({ search: '' });
    await until(() => library.length === 2);
  });

  it('leaves the answer to an older question aside', async () => {
    await begin();
    library.ask({ search: '0' });
    library.ask({ search: '0000' });
    await until(() => library.groups.value?.question.search === '0000');
    library.need(0, 10);
    await until(() => library.line(1)?.row !== undefined);
    expect(
      rowsAsked().every(({ query }) => query.get('search') === '0000')
    ).toBe(true);
  });

  it('keeps what it shows while it asks again, and then has the new rows', async () => {
    let uses = 0;
    await begin(asked => {
      const found = answers(asked);
      return asked.path === '/library/rows'
        ? { ...(found as object), rows: [{ ...row('skill-00000'), uses }] }
        : found;
    });
    open('hand');
    library.need(1, 1);
    await until(() => library.line(1)?.row?.uses === 0);
    uses = 7;
    server.move();
    library.changed.connect(() => {
      expect(library.line(1)?.row).toBeDefined();
      library.need(1, 1);
    });
    await until(() => library.line(1)?.row?.uses === 7);
  });

  it('does not ask again and again for what cannot be had', async () => {
    let broken = true;
    await begin(asked => {
      if (asked.path === '/library/rows' && broken) {
        throw new Refusal(503, 'StoreBroken', 'The store is broken.');
      }
      return answers(asked);
    });
    open('hand');
    library.changed.connect(() => {
      library.need(1, 5);
    });
    library.need(1, 5);
    await until(() => library.failure !== undefined);
    expect(library.failure?.message).toBe('The store is broken.');
    expect(rowsAsked()).toHaveLength(1);
    broken = false;
    server.move();
    await until(() => library.line(1)?.row !== undefined);
    expect(library.failure).toBeUndefined();
  });

  it.each(['skill-07123', 'skill-00000', 'skill-09999', 'skill-001'])(
    'finds %s among ten thousand with few questions',
    async letters => {
      await begin();
      open('nb');
      const index = await library.find(letters, 1);
      expect(index).toBe(2 + NAMES.findIndex(name => name.startsWith(letters)));
      expect(rowsAsked().length).toBeLessThanOrEqual(8);
    }
  );

  it('finds a group, and nothing where nothing begins so', async () => {
    await begin();
    open('nb');
    expect(await library.find('REP', 0)).toBe(1);
    expect(await library.find('zebra', 1)).toBeUndefined();
  });

  it('stays at a skill when others come before it', async () => {
    let first = 0;
    await begin(asked => {
      if (asked.path === '/library/rows') {
        const rows = NAMES.slice(first, first + 5).map(row);
        return { rows, total: 5, offset: 0 };
      }
      return answers(asked);
    });
    first = 1;
    open('hand');
    library.need(1, 5);
    await until(() => library.line(2)?.row?.name === NAMES[2]);
    library.activate(2);
    first = 0;
    server.move();
    library.changed.connect(() => {
      library.need(1, 5);
    });
    await until(() => library.line(1)?.row?.name === NAMES[0]);
    expect(library.active).toBe(3);
  });
});
