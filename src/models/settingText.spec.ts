import { nullTranslator } from '@jupyterlab/translation';
import type { Setting } from '../api/schema';
import { boundsOf, meantBy, textOf } from './settingText';

const trans = nullTranslator.load('metaclaw-jlab');

function meant(
  text: string,
  kind: Setting['kind'],
  nullable = false
): ReturnType<typeof meantBy> {
  return meantBy(text, { kind, nullable }, trans);
}

describe('meantBy', () => {
  it.each<[string, Setting['kind'], unknown]>([
    [' 3 ', 'integer', 3],
    ['-0.5', 'number', -0.5],
    ['1e3', 'integer', 1000],
    [' ask ', 'text', 'ask'],
    ['{"a": [1]}', 'table', { a: [1] }],
    ['', 'table', {}],
    ['', 'text', '']
  ])('reads %p as %s', (text, kind, value) => {
    expect(meant(text, kind)).toEqual({ value });
  });

  it.each<[string, Setting['kind']]>([
    ['', 'integer'],
    ['3.5', 'integer'],
    ['1e99', 'integer'],
    ['three', 'number'],
    ['Infinity', 'number'],
    ['[1]', 'table'],
    ['{', 'table'],
    ['null', 'table']
  ])('says what is wrong with %p as %s', (text, kind) => {
    expect(meant(text, kind)).toHaveProperty('problem');
  });

  it('unsets by an empty text what may be unset', () => {
    expect(meant(' ', 'number', true)).toEqual({ value: null });
  });

  it('reads what it has written', () => {
    for (const [value, kind] of [
      [{ a: 1 }, 'table'],
      [3, 'integer'],
      ['a b', 'text']
    ] as const) {
      expect(meant(textOf(value), kind)).toEqual({ value });
    }
    expect(textOf(null)).toBe('');
  });
});

describe('boundsOf', () => {
  it('names the bounds that there are', () => {
    const told = (minimum: number | null, maximum: number | null): string =>
      boundsOf({ minimum, maximum }, trans);
    expect([
      told(0, 1),
      told(1, null),
      told(null, 2),
      told(null, null)
    ]).toEqual(['0 to 1', 'at least 1', 'at most 2', '']);
  });
});
