import { FakeServer, type IAsked, Refusal } from '../testing/server';
import { MovedOn, SkillActs } from './skillActs';

interface ISent {
  base?: string;
  text?: string;
  generation?: number;
  on?: boolean;
}

/** One skill whose text has a history, as the server keeps it. */
class Kept {
  texts: (string | null)[] = [null, 'one'];
  marks = new Set<string>();

  get current(): number {
    return this.texts.length - 1;
  }

  get text(): string | null {
    return this.texts.at(-1) ?? null;
  }

  answer = ({ method, path, query, body }: IAsked): unknown => {
    const sent = (body ?? {}) as ISent;
    const before = this.current;
    const asked = `${method} ${path}`;
    if (asked === 'GET /skills/dates/text') {
      const generation = query.get('generation');
      const text = generation ? this.texts[Number(generation)] : this.text;
      return { text, base: generation ? '' : text };
    }
    if (asked === 'GET /generations') {
      return { generations: [], current: this.current, next: null };
    }
    if (asked === 'PUT /skills/dates') {
      if (sent.base !== this.text) {
        throw new Refusal(409, 'SkillChanged', 'Somebody else was faster.');
      }
      this.texts.push(sent.text ?? '');
    } else if (asked === 'POST /skills') {
      this.texts.push(sent.text ?? '');
    } else if (asked === 'DELETE /skills/dates') {
      this.marks.clear();
      if (this.text !== null) {
        this.texts.push(null);
      }
    } else if (asked === 'POST /skills/dates/rollback') {
      this.texts.push(this.texts[sent.generation ?? 0] ?? null);
    } else if (/^POST .generations.\d+.rollback$/.test(asked)) {
      this.texts.push(this.texts[Number(path.split('/')[2])] ?? null);
    } else {
      const mark = path.split('/').at(-1) ?? '';
      if (sent.on) {
        this.marks.add(mark);
      } else {
        this.marks.delete(mark);
      }
    }
    const changed = this.current === before ? [] : ['dates'];
    return {
      told: `${asked}.`,
      before,
      made: this.current,
      changes: {
        added: [],
        removed: [],
        changed,
        left_out: { added: 0, removed: 0, changed: 0 }
      },
      undo: '',
      notes: []
    };
  };
}

let kept: Kept;
let server: FakeServer;
let acts: SkillActs;

beforeEach(() => {
  kept = new Kept();
  server = new FakeServer(asked => kept.answer(asked));
  acts = new SkillActs(server.connection);
});

afterEach(() => {
  server.connection.dispose();
});

const BEFORE = { text: 'one', hash: 'one' };

describe('SkillActs', () => {
  it.each(['pin', 'enable', 'quarantine'] as const)(
    'takes back that something was switched: %s',
    async what => {
      const act = await acts.turn('dates', what, true);
      expect(kept.marks.has(what)).toBe(true);
      await act.undo?.();
      expect(kept.marks.has(what)).toBe(false);
    }
  );

  it('takes an edit back, and that again', async () => {
    const act = await acts.save('dates', 'two', BEFORE);
    expect(kept.text).toBe('two');
    const undone = await act.undo?.();
    expect(kept.text).toBe('one');
    await undone?.undo?.();
    expect(kept.text).toBe('two');
  });

  it('does not take an edit back over what somebody else has saved since', async () => {
    const act = await acts.save('dates', 'two', BEFORE);
    await acts.save('dates', 'three', { text: 'two', hash: 'two' });
    await expect(act.undo?.()).rejects.toMatchObject({
      reason: 'SkillChanged'
    });
    expect(kept.text).toBe('three');
  });

  it('saves nothing over what the user has not seen', async () => {
    const edit = acts.save('dates', 'two', { text: 'zero', hash: 'zero' });
    await expect(edit).rejects.toMatchObject({ reason: 'SkillChanged' });
    expect(kept.text).toBe('one');
  });

  it('has nothing to take back where nothing has changed', async () => {
    const act = await acts.save('dates', 'one', BEFORE);
    expect(act.undo).toBeUndefined();
  });

  it('brings a deleted skill back, with its marks', async () => {
    kept.marks.add('quarantine');
    const act = await acts.remove('dates', 1, ['quarantined', 'pinned']);
    expect(kept.text).toBeNull();
    expect(kept.marks.size).toBe(0);
    await act.undo?.();
    expect(kept.text).toBe('one');
    expect([...kept.marks]).toEqual(['quarantine']);
  });

  it('takes a new skill out again', async () => {
    kept.texts = [null];
    const act = await acts.add('new');
    expect(kept.text).toBe('new');
    await act.undo?.();
    expect(kept.text).toBeNull();
  });

  it('takes a rollback of a skill back', async () => {
    await acts.save('dates', 'two', BEFORE);
    const act = await acts.rollBack('dates', 1, { text: 'two', hash: 'two' });
    expect(kept.text).toBe('one');
    await act.undo?.();
    expect(kept.text).toBe('two');
  });

  it('takes a rollback of the library back', async () => {
    await acts.save('dates', 'two', BEFORE);
    const act = await acts.rollBackLibrary(1);
    expect(kept.text).toBe('one');
    await act.undo?.();
    expect(kept.text).toBe('two');
  });

  it('does not take a rollback of the library back over later changes', async () => {
    const act = await acts.rollBackLibrary(0);
    kept.texts.push('later');
    await expect(act.undo?.()).rejects.toBeInstanceOf(MovedOn);
    expect(kept.text).toBe('later');
  });
});
