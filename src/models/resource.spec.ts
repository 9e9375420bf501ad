import { Refused, Unreachable } from '../api/failure';
import { FakeServer } from '../testing/server';
import { LONGEST_REST_MS, Resource } from './resource';

let server: FakeServer;
let asked: number;
let takes: number;
let wrong: Error | undefined;
let resource: Resource<number>;

beforeEach(async () => {
  jest.useFakeTimers();
  server = new FakeServer(() => ({}));
  while (server.connection.state !== 'open') {
    await jest.advanceTimersByTimeAsync(1);
  }
  asked = takes = 0;
  wrong = undefined;
  resource = new Resource(server.connection, load);
});

afterEach(() => {
  server.connection.dispose();
  jest.useRealTimers();
});

/** How often it was asked for, after a while. */
async function load(): Promise<number> {
  asked += 1;
  const now = asked;
  await new Promise(resolve => setTimeout(resolve, takes));
  if (wrong) {
    throw wrong;
  }
  return now;
}

const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

describe('a resource', () => {
  it('is not asked for while nobody watches', async () => {
    server.move();
    await pass(10);
    expect(asked).toBe(0);
  });

  it('is asked for when somebody watches, and when the home moves on', async () => {
    const watching = resource.watch();
    await pass(0);
    expect(resource.value).toBe(1);
    server.move();
    await pass(0);
    expect(resource.value).toBe(2);
    watching.dispose();
    server.move();
    await pass(10);
    expect(asked).toBe(2);
  });

  it('is asked for once for two who watch', async () => {
    const both = [resource.watch(), resource.watch()];
    await pass(0);
    expect(asked).toBe(1);
    both.forEach(one => {
      one.dispose();
    });
  });

  it('lets a home that moves on and on rest, and shows its last state', async () => {
    takes = 100;
    const watching = resource.watch();
    for (let ms = 0; ms < 4_000; ms += 10) {
      server.move();
      await pass(10);
    }
    expect(asked).toBeLessThanOrEqual(11);
    await pass(LONGEST_REST_MS);
    const last = asked;
    await pass(10 * LONGEST_REST_MS);
    expect(asked).toBe(last);
    expect(resource.value).toBe(last);
    watching.dispose();
  });

  it('is fresh for who asks while it is being asked for', async () => {
    takes = 50;
    const first = resource.refresh();
    await pass(10);
    const second = resource.refresh();
    await pass(200);
    await Promise.all([first, second]);
    expect(resource.value).toBe(2);
  });

  it('keeps what was known when asking again fails', async () => {
    await Promise.all([resource.refresh(), pass(0)]);
    wrong = new Refused(500, 'Unknown', 'No.', '');
    await Promise.all([resource.refresh(), pass(0)]);
    expect(resource.value).toBe(1);
    expect(resource.failure).toBe(wrong);
    wrong = undefined;
    await Promise.all([resource.refresh(), pass(0)]);
    expect(resource.failure).toBeUndefined();
  });

  it('tells the connection that nobody answers', async () => {
    wrong = new Unreachable(null);
    await Promise.all([resource.refresh(), pass(0)]);
    expect(server.connection.state).toBe('gone');
  });

  it('is asked for again and again where it changes with time alone', async () => {
    const clock = new Resource(server.connection, load, 1_000);
    const watching = clock.watch();
    await pass(3_500);
    expect(asked).toBe(4);
    watching.dispose();
    await pass(5_000);
    expect(asked).toBe(4);
  });

  it('shows at once what another answer has brought', () => {
    resource.put(42);
    expect(resource.value).toBe(42);
  });
});
