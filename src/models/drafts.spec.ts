import { Drafts, isTouched } from './drafts';

const BASE = { text: 'one', hash: '1' };
const THEIRS = { text: 'two', hash: '2' };

function begun(text = 'mine'): Drafts {
  const drafts = new Drafts();
  drafts.begin('dates', BASE);
  drafts.write('dates', text);
  return drafts;
}

describe('Drafts', () => {
  it('begins with what is there', () => {
    const draft = begun('one').of('dates');
    expect(draft).toEqual({ text: 'one', base: BASE });
    expect(draft && isTouched(draft)).toBe(false);
  });

  it('goes on with an edit that was begun', () => {
    const drafts = begun();
    drafts.begin('dates', THEIRS);
    expect(drafts.of('dates')).toEqual({ text: 'mine', base: BASE });
  });

  it('keeps both texts where somebody else was faster', () => {
    const drafts = begun();
    drafts.refuse('dates', THEIRS);
    expect(drafts.of('dates')).toEqual({
      text: 'mine',
      base: BASE,
      theirs: THEIRS
    });
  });

  it('goes on from what somebody else has saved', () => {
    const drafts = begun();
    drafts.refuse('dates', THEIRS);
    drafts.rebase('dates');
    expect(drafts.of('dates')).toEqual({ text: 'mine', base: THEIRS });
  });

  it('knows which edits would be a loss', () => {
    const drafts = begun();
    drafts.begin('names', BASE);
    expect(drafts.touched).toEqual(['dates']);
  });

  it('writes to nothing but an edit', () => {
    const drafts = new Drafts();
    drafts.write('dates', 'mine');
    drafts.refuse('dates', THEIRS);
    expect(drafts.of('dates')).toBeUndefined();
  });

  it('gives back what it ends, and takes it in again', () => {
    const drafts = begun();
    const draft = drafts.end('dates');
    expect(drafts.of('dates')).toBeUndefined();
    drafts.restore('dates', draft ?? { text: '', base: BASE });
    expect(drafts.of('dates')?.text).toBe('mine');
  });

  it('tells of each change once', () => {
    const drafts = begun();
    const heard: string[] = [];
    drafts.changed.connect((_, name) => heard.push(name));
    drafts.write('dates', 'more');
    drafts.write('dates', 'more');
    drafts.end('dates');
    drafts.end('dates');
    expect(heard).toEqual(['dates', 'dates']);
  });
});
