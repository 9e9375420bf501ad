import type { Status } from '../api/schema';
import { FirstSteps, type IServerNews } from './firstSteps';

const SERVER: IServerNews = {
  state: 'open',
  health: { version: '2', home: 'h' },
  firstVersion: '2'
};

function status(changes: Partial<Status> = {}): Status {
  return {
    policy: 'large at http://localhost/v1',
    practice_only: false,
    skills: 3,
    gpu: true,
    ...changes
  } as Status;
}

describe('FirstSteps', () => {
  let first: FirstSteps;

  beforeEach(() => {
    first = new FirstSteps();
  });

  const ids = (
    found: Status | undefined = status(),
    server: Partial<IServerNews> = {}
  ): string[] =>
    first.steps({ ...SERVER, ...server }, found).map(({ id }) => id);

  it('has nothing to say where all is as it should be', () => {
    first.hear({ version: '2', home: 'h' });
    expect(ids()).toEqual([]);
  });

  it('says what a new home lacks', () => {
    const found = status({
      practice_only: true,
      policy: 'embedded practice model',
      skills: 0,
      gpu: false
    });
    expect(ids(found)).toEqual(['practice-only', 'no-skills', 'no-gpu']);
  });

  it('says that the policy did not answer, until a task is answered', () => {
    const after = (stop: string): string[] =>
      first.steps(SERVER, status(), { stop }).map(({ id }) => id);
    expect(after('policy_failed')).toEqual(['no-answer']);
    expect(after('done')).toEqual([]);
  });

  it('needs no GPU where an endpoint answers', () => {
    expect(ids(status({ gpu: false }))).toEqual([]);
  });

  it('needs no GPU where llama.cpp answers', () => {
    const local = (form: string): string[] =>
      ids(status({ policy: 'm', gpu: false, answering: { form } as never }));
    expect(local('gguf')).toEqual([]);
    expect(local('safetensors')).toEqual(['no-gpu']);
  });

  it('stays while the server is gone, and not where it serves no home', () => {
    const none = status({ skills: 0 });
    expect(ids(none, { state: 'gone' })).toEqual(['no-skills']);
    expect(ids(none, { state: 'closed' })).toEqual([]);
    expect(ids(undefined)).toEqual([]);
  });

  it('tells a page that is older than its server', () => {
    expect(first.steps({ ...SERVER, firstVersion: '1' }, status())).toEqual([
      { id: 'page-old', kind: 'trouble', is: '1', should: '2' }
    ]);
  });

  it('tells a kernel of another version, then of another home', () => {
    first.hear({ version: '1', home: 'other' });
    expect(ids()).toEqual(['kernel-old']);
    first.hear({ version: '2', home: 'other' });
    expect(ids()).toEqual(['kernel-elsewhere']);
    first.hear(undefined);
    expect(ids()).toEqual([]);
  });

  it('puts hints away for good, and brings them back', () => {
    const found = status({ skills: 0 });
    first.putAway('no-skills');
    const again = new FirstSteps();
    again.restore(first.toJSON());
    first = again;
    expect(ids(found)).toEqual([]);
    first.bringBack();
    expect(ids(found)).toEqual(['no-skills']);
  });

  it('never puts trouble away', () => {
    first.hear({ version: '1', home: 'h' });
    first.putAway('kernel-old');
    expect(ids()).toEqual(['kernel-old']);
  });

  it.each([undefined, null, 3, [], { away: 3 }, { away: [3, null] }])(
    'is not disturbed by a kept %p',
    kept => {
      first.restore(kept);
      expect(ids(status({ skills: 0 }))).toEqual(['no-skills']);
    }
  );

  it('tells when a kernel says something new, and only then', () => {
    let told = 0;
    first.changed.connect(() => {
      told += 1;
    });
    first.hear({ version: '2', home: 'h' });
    first.hear({ version: '2', home: 'h' });
    expect(told).toBe(1);
  });
});
