import { nullTranslator } from '@jupyterlab/translation';
import type { Schedule, SchedulerState } from '../api/schema';
import { named, PAUSES, pauseInWords, standingOf } from './words';

const trans = nullTranslator.load('metaclaw-jlab');

interface IStage {
  state?: SchedulerState;
  paused?: boolean;
  host?: number | null;
}

function standing({ state, paused, host = 1 }: IStage): string {
  const schedule = {
    view: state ? { state } : null,
    pause: paused ? { at: 0, until: null } : null,
    host
  };
  return standingOf(schedule as unknown as Schedule, trans).word;
}

describe('where training stands', () => {
  it.each([
    ['waiting', 'Waiting'],
    ['open', 'Ready'],
    ['training', 'Training'],
    ['gating', 'Comparing'],
    ['pausing', 'Stopping']
  ] as const)('is told for %s', (state, word) => {
    expect(standing({ state })).toBe(word);
  });

  it('is paused while nothing goes on', () => {
    expect(standing({ state: 'waiting', paused: true })).toBe('Paused');
    expect(standing({ paused: true })).toBe('Paused');
  });

  it('is what goes on even when it is paused', () => {
    expect(standing({ state: 'pausing', paused: true })).toBe('Stopping');
    expect(standing({ state: 'training', paused: true })).toBe('Training');
  });

  it('is off without a host, and unknown with one that does not say', () => {
    expect(standing({ host: null })).toBe('Off');
    expect(standing({ host: 4 })).toBe('Unknown');
  });
});

describe('the words of commands', () => {
  it('are another for every pause', () => {
    const told = PAUSES.map(minutes => pauseInWords(minutes, trans));
    expect(new Set(told).size).toBe(PAUSES.length);
    expect(told).toContain('Pause training for an hour');
    expect(told).toContain('Pause training for 4 hours');
  });

  it('bear our name, but in our own menu', () => {
    expect(named('Train now', {}, trans)).toBe('MetaClaw: Train now');
    expect(named('Train now', { isMenu: true }, trans)).toBe('Train now');
  });
});
