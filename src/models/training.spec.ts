import { ServerConnection } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import { Refused } from '../api/failure';
import type { AdapterAccount, Moved, TrainingAccount } from '../api/schema';
import { HOLD_MS, wishesFor } from './adapters';
import { Connection } from './connection';
import { pageOf } from './pages';
import { trainingOf, wishesOf } from './training';

interface IAsked {
  what: string;
  body: string;
}

type Answers = (what: string) => [status: number, body: unknown];

const MOVED: Moved = {
  told: 'Adapter v3 serves from now on.',
  serving: 3,
  undo: 'base'
};

const CONNECTIONS: Connection[] = [];

/** A connection to a server that answers so, and what it was asked of training. */
function wired(answers: Answers): [Connection, IAsked[]] {
  const asked: IAsked[] = [];
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost:8888/',
    fetch: async (input: RequestInfo | URL) => {
      const request = input as Request;
      const url = new URL(request.url);
      const path = url.pathname.replace('/metaclaw/api', '');
      const before = url.searchParams.get('before');
      const what = `${request.method} ${path}${before ? ` <${before}` : ''}`;
      if (!path.endsWith('/health')) {
        asked.push({ what, body: await request.text() });
      }
      const [status, body] = answers(what);
      return new Response(JSON.stringify(body), {
        status,
        headers: { 'Content-Type': 'application/json' }
      });
    }
  });
  const connection = new Connection({
    serverSettings,
    events: { stream: new Signal({}) }
  } as unknown as ConstructorParameters<typeof Connection>[0]);
  CONNECTIONS.push(connection);
  return [connection, asked];
}

function adapter(version: number): AdapterAccount {
  return {
    version,
    status: 'candidate',
    serving: false,
    base: 'tiny',
    skill_generation: 1,
    created_at: 1,
    reason: '',
    sha256: 'a',
    bytes: 10,
    gate: null,
    folder: null,
    fault: ''
  };
}

/** What a fetch and its answer need to get through, under clocks that stand still. */
async function settle(): Promise<void> {
  await jest.advanceTimersByTimeAsync(1);
}

afterEach(() => {
  for (const connection of CONNECTIONS.splice(0)) {
    connection.dispose();
  }
});

describe('what may be wished', () => {
  const account = (pid: number | null, run: unknown): TrainingAccount =>
    ({ pid, run }) as TrainingAccount;

  it('is to go on with what waits, or to give it up', () => {
    expect(wishesOf(account(null, {}))).toEqual(['resume', 'abandon']);
  });

  it('is nothing of its own where a process trains, or nothing waits', () => {
    expect(wishesOf(account(7, {}))).toEqual([]);
    expect(wishesOf(account(7, null))).toEqual([]);
    expect(wishesOf(account(null, null))).toEqual([]);
  });

  it('goes by what an adapter was', () => {
    const one = adapter(1);
    expect(wishesFor(one)).toEqual(['promote', 'delete']);
    expect(wishesFor({ ...one, status: 'rejected' })).toContain('delete');
    expect(wishesFor({ ...one, status: 'forced' })).toEqual(['again']);
    expect(wishesFor({ ...one, status: 'forced', serving: true })).toEqual([
      'before',
      'base'
    ]);
  });
});

describe('pages', () => {
  const numbered = (from: number, count: number): AdapterAccount[] =>
    Array.from({ length: count }, (_, index) => adapter(from - index));

  it('have as many rows as they may, and know whether there is more', () => {
    const eleven = numbered(20, 11);
    expect(pageOf(eleven, 10, ({ version }) => version)).toEqual({
      rows: eleven.slice(0, 10),
      next: 11
    });
    expect(
      pageOf(numbered(5, 5), 10, ({ version }) => version).next
    ).toBeNull();
  });

  it('lead to older ones and back', async () => {
    const [connection] = wired(what => [
      200,
      { adapters: what.endsWith('<11') ? numbered(10, 4) : numbered(20, 11) }
    ]);
    const { adapters } = trainingOf(connection);
    await adapters.page.refresh();
    expect([adapters.hasOlder, adapters.newerPages]).toEqual([true, 0]);
    await adapters.older();
    expect(adapters.page.value?.rows[0]?.version).toBe(10);
    expect([adapters.hasOlder, adapters.newerPages]).toEqual([false, 1]);
    await adapters.older();
    await adapters.newer();
    await adapters.newer();
    expect(adapters.page.value?.rows[0]?.version).toBe(20);
  });
});

describe('a wish', () => {
  it('is asked of the server, and its answer told', async () => {
    const [connection, asked] = wired(() => [200, { told: 'It is given up.' }]);
    expect(await trainingOf(connection).wish('abandon')).toBe(
      'It is given up.'
    );
    expect(asked[0]?.what).toBe('POST /training/abandon');
  });

  it('that is refused says why', async () => {
    const [connection] = wired(() => [
      409,
      { message: 'It runs.', next_step: 'Stop it.', reason: 'LeaseHeld' }
    ]);
    await expect(trainingOf(connection).wish('resume')).rejects.toEqual(
      new Refused(409, 'LeaseHeld', 'It runs.', 'Stop it.')
    );
  });

  it('is of the one model of a connection', () => {
    const [connection] = wired(() => [200, {}]);
    expect(trainingOf(connection)).toBe(trainingOf(connection));
  });
});

describe('changes of adapters', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('bring what changed', async () => {
    const [connection, asked] = wired(() => [200, MOVED]);
    const { changes } = trainingOf(connection);
    const done: Moved[] = [];
    changes.done.connect((_, moved) => done.push(moved));
    const promoted = changes.promote(3, 'I want it');
    await settle();
    expect(await promoted).toEqual(MOVED);
    expect(asked[0]).toEqual({
      what: 'POST /adapters/3/promote',
      body: '{"reason":"I want it"}'
    });
    expect(done).toEqual([MOVED]);
    const back = changes.rollBack('base', '');
    await settle();
    await back;
    expect(asked.map(({ what }) => what)).toContain('POST /adapters/rollback');
  });

  it('hold a deletion back as long as it can be undone', async () => {
    const [connection, asked] = wired(() => [200, { ...MOVED, undo: null }]);
    const { changes } = trainingOf(connection);
    const removed = changes.remove(3);
    expect(changes.deleting).toEqual(new Set([3]));
    await jest.advanceTimersByTimeAsync(HOLD_MS - 1);
    expect(asked).toEqual([]);
    await jest.advanceTimersByTimeAsync(2);
    expect((await removed)?.undo).toBeNull();
    expect(asked[0]?.what).toBe('DELETE /adapters/3');
    expect(changes.deleting).toEqual(new Set());
  });

  it('delete nothing that is kept', async () => {
    const [connection, asked] = wired(() => [200, MOVED]);
    const { changes } = trainingOf(connection);
    const removed = changes.remove(3);
    changes.keep(3);
    expect(await removed).toBeUndefined();
    await jest.advanceTimersByTimeAsync(2 * HOLD_MS);
    expect(asked).toEqual([]);
    expect(changes.deleting).toEqual(new Set());
  });

  it('delete once where it is asked for twice', async () => {
    const [connection, asked] = wired(() => [200, MOVED]);
    const { changes } = trainingOf(connection);
    const removed = [changes.remove(3), changes.remove(3)];
    await jest.advanceTimersByTimeAsync(HOLD_MS + 1);
    expect(await Promise.all(removed)).toEqual([MOVED, undefined]);
    const deletions = asked.filter(({ what }) => what.startsWith('DELETE'));
    expect(deletions).toHaveLength(1);
  });

  it('say why a deletion is refused, and hold it no longer', async () => {
    const [connection] = wired(() => [
      409,
      { message: 'It served.', next_step: '', reason: 'InvariantViolation' }
    ]);
    const { changes } = trainingOf(connection);
    const removed = expect(changes.remove(3)).rejects.toThrow('It served.');
    await jest.advanceTimersByTimeAsync(HOLD_MS + 1);
    await removed;
    expect(changes.deleting).toEqual(new Set());
  });
});
