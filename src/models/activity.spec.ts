import { ABSENT_MS, PageActivity, QUIET_MS, USED_MS } from './activity';

describe('PageActivity', () => {
  let told: number[];
  let heard: boolean;
  let page: PageActivity;

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    heard = true;
    page = new PageActivity(secondsAgo => {
      told.push(secondsAgo);
      return Promise.resolve(heard);
    });
  });

  afterEach(() => {
    page.dispose();
    jest.useRealTimers();
  });

  it('tells at once that the page is used again', () => {
    page.used();
    expect(told).toEqual([0]);
  });

  it('tells at once after a pause, whatever was told in it', () => {
    page.used();
    jest.advanceTimersByTime(QUIET_MS + 100);
    told = [];
    page.used();
    expect(told).toEqual([0]);
  });

  it('tells seldom while the use goes on', () => {
    for (let ms = 0; ms < 3 * USED_MS; ms += 50) {
      page.used();
      jest.advanceTimersByTime(50);
    }
    expect(told).toHaveLength(4);
    expect(Math.max(...told)).toBeLessThan(1);
  });

  it('tells of the last use, too', () => {
    page.used();
    jest.advanceTimersByTime(1000);
    page.used();
    expect(told).toHaveLength(1);
    jest.advanceTimersByTime(USED_MS);
    expect(told).toEqual([0, (USED_MS - 1000) / 1000]);
  });

  it('says now and then that it is open and not used', () => {
    page.used();
    told = [];
    jest.advanceTimersByTime(3 * QUIET_MS);
    expect(told).toEqual([60, 120, 180]);
  });

  it('leaves a server without the extension alone', async () => {
    heard = false;
    page.used();
    await Promise.resolve();
    jest.advanceTimersByTime(ABSENT_MS - 1000);
    page.used();
    expect(told).toHaveLength(1);
    jest.advanceTimersByTime(USED_MS);
    page.used();
    expect(told.length).toBeGreaterThan(1);
  });

  it('goes on after the clock was set back', () => {
    page.used();
    jest.setSystemTime(Date.now() - 3_600_000);
    page.used();
    expect(told).toEqual([0, 0]);
  });

  it('tells nothing after its end', () => {
    page.used();
    page.dispose();
    jest.advanceTimersByTime(10 * QUIET_MS);
    page.used();
    expect(page.isDisposed).toBe(true);
    expect(told).toEqual([0]);
  });
});
