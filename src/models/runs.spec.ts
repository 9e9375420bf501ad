import { Runs } from './runs';

describe('the runs that a kernel knows', () => {
  let runs: Runs;

  beforeEach(() => {
    runs = new Runs();
    runs.ran('cell', 'x = 1', 7);
  });

  it('are found by cell and text', () => {
    expect(runs.known('cell', 'x = 1')).toBe(7);
    expect(runs.known('other', 'x = 1')).toBeNull();
  });

  it('are none of a text that was changed since', () => {
    expect(runs.known('cell', 'x = 2')).toBeNull();
  });

  it('are gone with the kernel', () => {
    runs.forget();
    expect(runs.known('cell', 'x = 1')).toBeNull();
  });
});
