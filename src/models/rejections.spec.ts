import { AGAIN_MS, HELD_MS, type IRejection, Rejections } from './rejections';

const MARK = { trajectory: '0a1b2c', step: 1 };

describe('a rejection', () => {
  let told: [IRejection, boolean][];
  let settled: boolean;
  let rejections: Rejections;

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    settled = true;
    rejections = new Rejections((rejection, closing) => {
      told.push([rejection, closing]);
      return Promise.resolve(settled);
    });
  });

  afterEach(() => {
    rejections.dispose();
    jest.useRealTimers();
  });

  const reasons = (): string[] => told.map(([{ reason }]) => reason);

  it('is told when it can no longer be undone', () => {
    rejections.hold(MARK, 'wrong column');
    jest.advanceTimersByTime(HELD_MS - 1);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(reasons()).toEqual(['wrong column']);
    expect(rejections.holds(MARK)).toBe(false);
  });

  it('is not told once it was taken back', () => {
    rejections.hold(MARK);
    expect(rejections.withdraw(MARK)).toBe(true);
    jest.advanceTimersByTime(2 * HELD_MS);
    expect(told).toEqual([]);
    expect(rejections.withdraw(MARK)).toBe(false);
  });

  it('is told once, however often it was made', () => {
    rejections.hold(MARK, 'wrong column');
    rejections.hold(MARK);
    jest.advanceTimersByTime(2 * HELD_MS);
    expect(reasons()).toEqual(['wrong column']);
  });

  it('is told at once when the page ends', async () => {
    rejections.hold(MARK);
    await rejections.flush(true);
    expect(told.map(([, closing]) => closing)).toEqual([true]);
    jest.advanceTimersByTime(2 * HELD_MS);
    expect(told).toHaveLength(1);
  });

  it('is told again where nobody answered', async () => {
    settled = false;
    rejections.hold(MARK, 'wrong column');
    await jest.advanceTimersByTimeAsync(HELD_MS);
    settled = true;
    expect(rejections.holds(MARK)).toBe(true);
    await jest.advanceTimersByTimeAsync(AGAIN_MS);
    expect(reasons()).toEqual(['wrong column', 'wrong column']);
    expect(rejections.holds(MARK)).toBe(false);
  });
});
