import { Outline } from './outline';

const GROUPS = [
  { key: 'a', count: 2 },
  { key: 'b', count: 3 },
  { key: 'c', count: 0 },
  { key: 'd', count: 10_000 }
];

function outline(...open: string[]): Outline<(typeof GROUPS)[number]> {
  return new Outline(GROUPS, group => open.includes(group.key));
}

describe('Outline', () => {
  it('has a line for each group, and for each row of an open one', () => {
    expect(outline().length).toBe(4);
    expect(outline('a', 'c').length).toBe(6);
    expect(outline('d').length).toBe(10_004);
  });

  it('finds every line again by its group and offset', () => {
    const found = outline('b', 'c', 'd');
    for (let index = 0; index < found.length; index++) {
      const line = found.line(index);
      expect(line && found.indexOf(line.group.key, line.offset)).toBe(index);
    }
  });

  it('tells heads from rows', () => {
    const found = outline('b');
    expect(found.line(1)).toMatchObject({ position: 1, offset: undefined });
    expect(found.line(2)).toMatchObject({ position: 1, offset: 0 });
    expect(found.line(5)).toMatchObject({ position: 2, offset: undefined });
  });

  it.each([-1, 4, 99])('has nothing at %d', index => {
    expect(outline().line(index)).toBeUndefined();
  });

  it('does not know where a row is that is not shown', () => {
    expect(outline('a').indexOf('b', 0)).toBeUndefined();
    expect(outline('a').indexOf('a', 2)).toBeUndefined();
    expect(outline('a').indexOf('nowhere')).toBeUndefined();
  });

  it('may be empty', () => {
    const none = new Outline([], () => true);
    expect(none.length).toBe(0);
    expect(none.line(0)).toBeUndefined();
  });
});
