import { FakeServer, type IAsked, Refusal, until } from '../testing/server';
import { PAGE, TaskList } from './taskList';

/** Tasks with numbers up to `count`; those of even number are of skill `even`. */
class Home {
  constructor(public count: number) {}

  readonly gone = new Set<number>();

  score = 0;

  answer({ query }: IAsked): unknown {
    const limit = Number(query.get('limit'));
    const even = query.get('skill') === 'even';
    const tasks = [];
    let number = Math.min(
      Number(query.get('before') ?? Infinity) - 1,
      this.count
    );
    for (; number > 0 && tasks.length <= limit; number--) {
      if (!this.gone.has(number) && (!even || number % 2 === 0)) {
        tasks.push({ number, score: { value: this.score } });
      }
    }
    const shown = tasks.slice(0, limit);
    const next = tasks.length > limit ? (shown.at(-1)?.number ?? null) : null;
    return { tasks: shown, next };
  }
}

let home: Home;
let server: FakeServer;
let list: TaskList;

async function begin(
  count: number,
  answers: (asked: IAsked) => unknown = asked => home.answer(asked)
): Promise<void> {
  home = new Home(count);
  server = new FakeServer(answers);
  list = new TaskList(server.connection);
  await list.refresh();
}

const numbers = (): number[] => list.rows.map(row => row.number);

/** The numbers from one down to another. */
const down = (from: number, to: number): number[] =>
  Array.from({ length: from - to + 1 }, (_, index) => from - index);

async function settled(): Promise<void> {
  await until(() => !list.loading);
}

afterEach(() => {
  server.connection.dispose();
});

describe('the list of tasks', () => {
  it('begins with the newest', async () => {
    await begin(1000);
    expect(numbers()).toEqual(down(1000, 1001 - PAGE));
    expect([list.hasMore, list.known]).toEqual([true, true]);
  });

  it('loads what is scrolled to, and no more', async () => {
    await begin(1000);
    list.see(0, 12);
    expect(list.loading).toBe(false);
    list.see(80, 92);
    await settled();
    expect(numbers()).toEqual(down(1000, 1001 - 2 * PAGE));
  });

  it('comes to an end', async () => {
    await begin(PAGE + 20);
    list.see(90, 99);
    await settled();
    expect(numbers()).toEqual(down(PAGE + 20, 1));
    expect(list.hasMore).toBe(false);
  });

  it('puts newer tasks over those that are known', async () => {
    await begin(1000);
    list.see(80, 92);
    await settled();
    home.count = 1007;
    await list.refresh();
    expect(numbers()).toEqual(down(1007, 1001 - 2 * PAGE));
  });

  it('begins anew where more tasks came than a page holds: it has no gap', async () => {
    await begin(1000);
    home.count = 1000 + 3 * PAGE;
    await list.refresh();
    expect(numbers()).toEqual(down(home.count, home.count + 1 - PAGE));
    list.see(80, 92);
    await settled();
    expect(numbers()).toEqual(down(home.count, home.count + 1 - 2 * PAGE));
  });

  it('keeps fresh what is seen far down', async () => {
    await begin(1000);
    list.see(80, 92);
    await settled();
    list.see(150, 160);
    await settled();
    home.score = 1;
    home.gone.add(845);
    await list.refresh();
    const seen = list.rows.filter(
      row => row.number <= 850 && row.number >= 840
    );
    expect(seen.map(row => row.score)).toEqual(
      Array.from({ length: 10 }, () => ({ value: 1 }))
    );
    expect(numbers()).not.toContain(845);
  });

  it('asks again when the home has moved on, while it is watched', async () => {
    await begin(5);
    const watching = list.watch();
    await settled();
    home.count = 6;
    server.move();
    await settled();
    expect(numbers()).toEqual(down(6, 1));
    watching.dispose();
    home.count = 7;
    server.move();
    await settled();
    expect(numbers()).toEqual(down(6, 1));
  });

  it('can be narrowed, by page too', async () => {
    await begin(1000);
    await list.narrow({ skill: 'even' });
    list.see(80, 92);
    await settled();
    expect(numbers()).toEqual(
      down(1000, 1)
        .filter(number => number % 2 === 0)
        .slice(0, 2 * PAGE)
    );
  });

  it('leaves an answer aside that came too late', async () => {
    let release: (() => void) | undefined;
    await begin(1000, async asked => {
      if (asked.query.get('before') !== null) {
        await new Promise<void>(resolve => {
          release = resolve;
        });
      }
      return home.answer(asked);
    });
    list.see(80, 92);
    await until(() => release !== undefined);
    const narrowed = list.narrow({ skill: 'even' });
    release?.();
    await narrowed;
    expect(numbers()).toHaveLength(PAGE);
    expect(numbers().every(number => number % 2 === 0)).toBe(true);
  });

  it('keeps what was known when nobody answers, and says why', async () => {
    let down = false;
    await begin(5, asked => {
      if (down) {
        throw new Refusal(503, 'HomeRefused', 'The home is gone.');
      }
      return home.answer(asked);
    });
    down = true;
    await list.refresh();
    expect(list.rows).toHaveLength(5);
    expect(list.failure?.message).toBe('The home is gone.');
    down = false;
    await list.refresh();
    expect(list.failure).toBeUndefined();
  });

  it('finds a task by its number, or the next older one', async () => {
    await begin(50);
    home.gone.add(30);
    await list.refresh();
    expect(numbers()[list.indexOf(31)]).toBe(31);
    expect(numbers()[list.indexOf(30)]).toBe(29);
    expect([list.indexOf(Infinity), list.indexOf(0)]).toEqual([0, 48]);
  });
});
