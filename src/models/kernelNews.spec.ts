import { kernelNewsOf } from './kernelNews';

const TYPE = 'application/vnd.metaclaw-jlab.task.v1+json';

describe('kernelNewsOf', () => {
  it('reads the version and the home of the kernel', () => {
    const told = { version: 1, package: '0.2.0', home: 'h', steps: 3 };
    expect(kernelNewsOf({ 'text/plain': 'x', [TYPE]: told })).toEqual({
      version: '0.2.0',
      home: 'h'
    });
  });

  it.each([
    [{}],
    [{ [TYPE]: null }],
    [{ [TYPE]: 'text' }],
    [{ [TYPE]: { package: 2, home: 'h' } }],
    [{ [TYPE]: { package: '1' } }]
  ])('finds none in %p', data => {
    expect(kernelNewsOf(data)).toBeUndefined();
  });
});
