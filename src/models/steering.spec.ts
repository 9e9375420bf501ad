import { nullTranslator } from '@jupyterlab/translation';
import { FakeServer, type IAsked, Refusal, until } from '../testing/server';
import { Overview } from './overview';
import { Steering } from './steering';

const NOW = 1_000_000;

let pause: { at: number; until: number | null } | null;
let conducting: object | null;
let stopped: boolean;
let server: FakeServer;
let overview: Overview;
let steering: Steering;

function view(): object {
  return { sentence: pause ? 'Paused.' : 'Waits.', pause, conducting };
}

function answers({ method, path, body }: IAsked): unknown {
  switch (`${method} ${path}`) {
    case 'GET /scheduler':
      return { view: view(), pause, sentence: 'Waits.', host: 1 };
    case 'POST /scheduler/pause': {
      const { minutes } = body as { minutes: number | null };
      pause = { at: NOW, until: minutes === null ? null : NOW + 60 * minutes };
      return view();
    }
    case 'POST /scheduler/unpause':
      pause = null;
      return view();
    case 'POST /training/start':
      conducting = {};
      return { run: 4, pid: 9, told: 'Run 4 begins.' };
    case 'POST /training/resume':
      conducting = {};
      return { run: 4, pid: 9, told: 'Run 4 goes on.' };
    case 'POST /training/stop':
      conducting = null;
      return { stopped, run: stopped ? 4 : null, told: 'Stopped.' };
    default:
      return {};
  }
}

async function begin(say: (asked: IAsked) => unknown = answers): Promise<void> {
  server = new FakeServer(say);
  overview = new Overview(server.connection);
  const trans = nullTranslator.load('metaclaw-jlab');
  steering = new Steering(server.connection, overview, trans, () => NOW);
  await until(() => server.connection.state === 'open');
  await overview.schedule.refresh();
}

const changes = (): string[] =>
  server.asked
    .filter(({ method }) => method === 'POST')
    .map(({ path }) => path);

beforeEach(() => {
  pause = conducting = null;
  stopped = true;
});

afterEach(() => {
  server.connection.dispose();
});

describe('steering', () => {
  it('pauses for so many minutes, and shows it at once', async () => {
    await begin();
    const { told } = await steering.pause(30);
    expect(server.asked.at(1)?.body).toEqual({ minutes: 30 });
    expect(overview.schedule.value?.pause?.until).toBe(NOW + 1_800);
    expect(told).toContain('Nothing is trained by itself until');
    expect(steering.paused).toBe(true);
  });

  it('undoes a pause', async () => {
    await begin();
    const { undo } = await steering.pause();
    await undo?.();
    expect(pause).toBeNull();
    expect(changes()).toEqual(['/scheduler/pause', '/scheduler/unpause']);
  });

  it('undoes the end of a pause with what was left of it', async () => {
    pause = { at: NOW, until: NOW + 600 };
    await begin();
    const { undo } = await steering.resume();
    expect(pause).toBeNull();
    await undo?.();
    expect(pause).toEqual({ at: NOW, until: NOW + 600 });
  });

  it('trains now, and undoes that by stopping', async () => {
    await begin();
    const { told, undo } = await steering.trainNow();
    expect(told).toBe('Run 4 begins.');
    await until(() => steering.trains === true);
    await undo?.();
    expect(changes()).toEqual(['/training/start', '/training/stop']);
  });

  it('undoes a stop by going on', async () => {
    conducting = {};
    await begin();
    const { undo } = await steering.stop();
    await undo?.();
    expect(changes()).toEqual(['/training/stop', '/training/resume']);
  });

  it('undoes nothing where nothing waits to go on', async () => {
    stopped = false;
    await begin();
    expect((await steering.stop()).undo).toBeUndefined();
  });

  it('allows what makes sense', async () => {
    await begin();
    const allowed = (): boolean[] =>
      (['train', 'stop', 'pause', 'resume'] as const).map(act =>
        steering.allows(act)
      );
    expect(allowed()).toEqual([true, false, true, false]);
    const pausing = steering.pause();
    expect(allowed()).toEqual([false, false, false, false]);
    await pausing;
    expect(allowed()).toEqual([true, false, false, true]);
  });

  it('tells the refusal, and can act again', async () => {
    await begin(asked => {
      if (asked.method === 'POST') {
        throw new Refusal(409, 'HostElsewhere', 'Another host is active.');
      }
      return answers(asked);
    });
    await expect(steering.pause()).rejects.toThrow('Another host is active.');
    expect(steering.doing).toBeUndefined();
  });
});
