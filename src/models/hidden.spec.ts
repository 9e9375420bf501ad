import { codePoint, countHidden, visible } from './hidden';

const HIDDEN = {
  'right-to-left override': '\u202e',
  'right-to-left mark': '\u200f',
  isolate: '\u2068',
  'zero width space': '\u200b',
  joiner: '\u200d',
  'word joiner': '\u2060',
  'byte order mark': '\ufeff',
  escape: '\u001b',
  'line separator': '\u2028',
  tag: '\u{e0041}',
  'variation selector': '\ufe0f',
  'supplementary selector': '\u{e0100}',
  filler: '\u3164',
  'lone surrogate': '\ud800'
};

describe('visible', () => {
  it.each(Object.entries(HIDDEN))('writes out a %s', (_, character) => {
    expect(visible(`a${character}b`)).toBe(`a${codePoint(character)}b`);
    expect(countHidden(`a${character}b`)).toBe(1);
  });

  it('leaves what one sees as it is', () => {
    const text = 'Zeilen\r\n\tund Wörter, שלום, 日本語, 🙂 <b>&amp;</b>';
    expect(visible(text)).toBe(text);
    expect(countHidden(text)).toBe(0);
  });

  it('names the character by its number', () => {
    expect(codePoint('\u202e')).toBe('⟦U+202E⟧');
    expect(codePoint('\u0007')).toBe('⟦U+0007⟧');
  });
});
