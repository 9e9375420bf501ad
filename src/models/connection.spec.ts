import { type Event, ServerConnection } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import { Unreachable } from '../api/failure';
import {
  AGAIN_MS,
  Connection,
  DEADLINE_MS,
  LOOK_MS,
  SLOW_MS
} from './connection';

const HEALTH = { version: '1.0', home: 'h', root: '/', pid: 7 };

type Answer = () => Response | Promise<Response>;

const ok =
  (changed: Partial<typeof HEALTH> = {}): Answer =>
  () =>
    Response.json({ ...HEALTH, ...changed });

const nobody: Answer = () => Promise.reject(new TypeError('no network'));

const refusal =
  (status: number): Answer =>
  () =>
    Response.json(
      { reason: 'HomeRefused', message: 'No home.', next_step: 'Make one.' },
      { status }
    );

let now: Answer;
let looks: number;
let connection: Connection;
let stream: Signal<object, { schema_id: string }>;
let moves: number;
let comebacks: string[];

beforeEach(() => {
  jest.useFakeTimers();
  now = ok();
  looks = moves = 0;
  comebacks = [];
  stream = new Signal<object, { schema_id: string }>({});
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost:8888/',
    fetch: (request: RequestInfo | URL) => {
      looks += 1;
      const { signal } = request as Request;
      return new Promise<Response>((resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new TypeError('given up'));
        });
        Promise.resolve(now()).then(resolve, reject);
      });
    }
  });
  const events = { stream } as unknown as Event.IManager;
  connection = new Connection({ serverSettings, events });
  connection.moved.connect(() => {
    moves += 1;
  });
  connection.cameBack.connect((_, how) => {
    comebacks.push(how);
  });
});

afterEach(() => {
  connection.dispose();
  jest.useRealTimers();
});

/** Let time pass, and what was answered be read. */
async function pass(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
  for (let turn = 0; turn < 20; turn++) {
    await jest.advanceTimersByTimeAsync(1);
  }
}

describe('a connection', () => {
  it('knows the server that answers', async () => {
    await pass(0);
    expect(connection.state).toBe('open');
    expect(connection.health).toEqual(HEALTH);
    expect(moves).toBe(1);
  });

  it('knows that nobody answers, and since when', async () => {
    await pass(0);
    const heard = connection.heardAt;
    now = nobody;
    await pass(2 * LOOK_MS);
    expect(connection.state).toBe('gone');
    expect(connection.heardAt).toBe(heard);
  });

  it('finds one that is back within seconds, and says so', async () => {
    await pass(0);
    now = nobody;
    connection.note(new Unreachable(null));
    expect(connection.state).toBe('gone');
    now = ok();
    await pass(AGAIN_MS);
    expect(connection.state).toBe('open');
    expect(comebacks).toEqual(['again']);
    expect(moves).toBe(2);
  });

  it('asks one that is gone ever more seldom', async () => {
    now = nobody;
    await pass(7.5 * AGAIN_MS);
    const soon = looks;
    await pass(3 * LOOK_MS);
    expect(soon).toBe(4);
    expect(looks - soon).toBeLessThanOrEqual(4);
  });

  it('knows a restarted one, even if it was never missed', async () => {
    await pass(0);
    now = ok({ pid: 8 });
    await pass(LOOK_MS);
    expect(comebacks).toEqual(['restarted']);
    expect(moves).toBe(2);
  });

  it('knows one of another version', async () => {
    await pass(0);
    now = ok({ pid: 8, version: '2.0' });
    await pass(LOOK_MS);
    expect(comebacks).toEqual(['changed']);
    expect(connection.firstVersion).toBe('1.0');
  });

  it('says nothing of a server that goes on as before', async () => {
    let told = 0;
    await pass(0);
    connection.stateChanged.connect(() => {
      told += 1;
    });
    await pass(3 * LOOK_MS);
    expect([told, moves, comebacks]).toEqual([0, 1, []]);
  });

  it('tells a server without the extension from a closed home', async () => {
    now = refusal(404);
    await pass(0);
    expect(connection.state).toBe('absent');
    now = refusal(503);
    await pass(LOOK_MS);
    expect(connection.state).toBe('closed');
    expect(connection.failure?.nextStep).toBe('Make one.');
  });

  it('takes a server without a home for closed until it has one', async () => {
    const standing = { sentence: 'The home is a file.' };
    now = () => Response.json({ ...HEALTH, home: null, standing });
    await pass(0);
    expect(connection.state).toBe('closed');
    expect(connection.failure?.message).toBe('The home is a file.');
    now = ok();
    await pass(LOOK_MS);
    expect(connection.state).toBe('open');
  });

  it('calls a server slow that lets it wait, and then gone', async () => {
    now = () => new Promise<Response>(() => undefined);
    await pass(SLOW_MS);
    expect(connection.slow).toBe(true);
    expect(connection.state).toBe('connecting');
    await pass(DEADLINE_MS - SLOW_MS);
    expect(connection.slow).toBe(false);
    expect(connection.state).toBe('gone');
  });

  it('passes on that the home has moved, and nothing else', async () => {
    await pass(0);
    stream.emit({ schema_id: 'urn:metaclaw-jlab:moved:v1' });
    stream.emit({ schema_id: 'urn:metaclaw-jlab:schedule:v1' });
    stream.emit({ schema_id: 'https://example.org/other/v1' });
    expect(moves).toBe(3);
  });

  it('asks and tells nothing after its end', async () => {
    await pass(0);
    connection.dispose();
    const before = looks;
    await pass(5 * LOOK_MS);
    connection.note(new Unreachable(null));
    expect(looks).toBe(before);
    expect(connection.state).toBe('open');
  });
});
