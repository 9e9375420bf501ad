import { codeOf, marksIn } from './mark';

describe('the marks in a cell', () => {
  it('tell the trajectory, and the first step where none is named', () => {
    expect(marksIn('# metaclaw:0a1b2c3d\nx = 1')).toEqual([
      { trajectory: '0a1b2c3d', step: 1 }
    ]);
  });

  it('tell the step', () => {
    expect(marksIn('  # metaclaw: 0a1b2c3d/12  \nx = 1')).toEqual([
      { trajectory: '0a1b2c3d', step: 12 }
    ]);
  });

  it('are each named once', () => {
    const source = '# metaclaw:aaaaaa\n# metaclaw:bbbbbb\n# metaclaw:aaaaaa/1';
    expect(marksIn(source).map(mark => mark.trajectory)).toEqual([
      'aaaaaa',
      'bbbbbb'
    ]);
  });

  it.each([
    '%%metaclaw\n# metaclaw:0a1b2c3d\nask again',
    'x = "# metaclaw:0a1b2c3d"',
    '# metaclaw:short',
    '# metaclaw:0a1b2c3d/0'
  ])('are none in %j', source => {
    expect(marksIn(source)).toEqual([]);
  });

  it('are no part of the code', () => {
    expect(codeOf('# metaclaw:0a1b2c3d\n\nx = 1\n')).toBe('x = 1');
  });
});
