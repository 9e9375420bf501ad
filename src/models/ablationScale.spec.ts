import { placeOn, scaleOf } from './ablationScale';

describe('a scale', () => {
  it('holds all values on round numbers', () => {
    expect(scaleOf([0.31, 0.43, null, 0.61])).toEqual({
      low: 0.3,
      high: 0.7,
      ticks: [0.3, 0.4, 0.5, 0.6, 0.7]
    });
  });

  it('has 0 on it where 0 is given', () => {
    const scale = scaleOf([0, 0.04, 0.2]);
    expect(scale.ticks).toContain(0);
    expect(placeOn(scale, scale.low)).toBe(0);
    expect(placeOn(scale, scale.high)).toBe(1);
  });

  it('has room where all values are the same', () => {
    const scale = scaleOf([1, 1]);
    expect(scale.high).toBeGreaterThan(scale.low);
  });

  it('goes from 0 to 1 where nothing is known', () => {
    expect(scaleOf([null])).toMatchObject({ low: 0, high: 1 });
  });
});
