import { FakeServer, type IAsked, Refusal } from '../testing/server';
import type { IRejection } from './rejections';
import { Said } from './said';

const REJECTION: IRejection = {
  mark: { trajectory: '0a1b2c', step: 2 },
  reason: 'wrong column'
};

const STEPS = [
  { number: 1, ran: true, edit: ['-x', '+y'] },
  { number: 2, ran: false, edit: [] }
];

describe('what the user says of tasks', () => {
  let server: FakeServer;
  let said: Said;
  let account: { stop: string | null; steps: typeof STEPS };
  let failure: Error | null;
  let now: number;

  const answers = ({ method, path, body }: IAsked): unknown => {
    if (failure) {
      throw failure;
    }
    if (path === '/tasks') {
      return {
        tasks: [
          { id: 'old', said: 'bad' },
          { id: 'new', said: null }
        ]
      };
    }
    if (method === 'GET') {
      return account;
    }
    return { told: `${method} ${JSON.stringify(body)}` };
  };

  beforeEach(() => {
    failure = null;
    now = 1_000_000;
    account = { stop: null, steps: STEPS };
    server = new FakeServer(answers);
    said = new Said(server.connection, () => now);
  });

  afterEach(() => {
    server.connection.dispose();
  });

  const told = (): string[] =>
    server.asked.map(({ method, path }) => `${method} ${path}`);

  it('is kept, and can be taken back', async () => {
    await said.say('0a1b2c', 'good');
    expect(said.word('0a1b2c')).toBe('good');
    await said.takeBack('0a1b2c');
    expect(said.word('0a1b2c')).toBeNull();
    expect(told()).toEqual([
      'POST /tasks/0a1b2c/feedback',
      'DELETE /tasks/0a1b2c/feedback'
    ]);
  });

  it('is cut to what the server takes', async () => {
    await said.say('0a1b2c', 'bad', 'x'.repeat(5000));
    const { reason } = server.asked[0]?.body as { reason: string };
    expect(reason).toHaveLength(4000);
  });

  it('is not kept where it was refused', async () => {
    failure = new Refusal(409, 'UsageMistake');
    await expect(said.say('0a1b2c', 'good')).rejects.toThrow();
    expect(said.word('0a1b2c')).toBeNull();
  });

  it('is known from before, and looked for seldom', async () => {
    await said.look();
    await said.look();
    expect(said.word('old')).toBe('bad');
    expect(said.word('new')).toBeNull();
    now += 10_000;
    await said.look();
    expect(told()).toEqual(['GET /tasks', 'GET /tasks']);
  });

  it('is looked for without complaint where nobody answers', async () => {
    failure = new TypeError('no network');
    await said.look();
    expect(said.word('old')).toBeNull();
  });

  it('ends a task that waits for the proposal that was rejected', async () => {
    expect(await said.reject(REJECTION)).toBe(true);
    expect(server.asked.at(-1)?.body).toEqual({
      kind: 'bad',
      reason: 'wrong column'
    });
  });

  it.each([
    ['has ended', { stop: 'expired', steps: STEPS }],
    ['waits for another', { stop: null, steps: STEPS.slice(0, 1) }],
    [
      'has run it',
      { stop: null, steps: STEPS.map(step => ({ ...step, ran: true })) }
    ]
  ])('is nothing where the task %s', async (_, known) => {
    account = known;
    expect(await said.reject(REJECTION)).toBe(true);
    expect(told()).toEqual(['GET /tasks/0a1b2c']);
  });

  it('is settled where the server knows no such task', async () => {
    failure = new Refusal(404, 'NotFound');
    expect(await said.reject(REJECTION)).toBe(true);
  });

  it('is said again later where nobody answered', async () => {
    failure = new TypeError('no network');
    expect(await said.reject(REJECTION)).toBe(false);
  });

  it('is helped by what was edited before', async () => {
    expect(await said.editOf('0a1b2c', 1)).toEqual(['-x', '+y']);
    expect(await said.editOf('0a1b2c', 7)).toEqual([]);
  });
});
