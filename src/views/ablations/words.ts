import type { TranslationBundle } from '@jupyterlab/translation';
import type { NumberField, Obstacle } from '../../models/ablationDraft';
import { type Mark, markOf } from '../../models/ablationGrid';
import type { AblationState } from '../../api/schema';
import type { ISigned } from '../words';

/** Where a value lies, at 95 %; null where that is not known. */
export type Bounds = readonly (number | null)[] | null;

/** How far an ablation is. */
export function stateInWords(
  state: AblationState,
  trans: TranslationBundle
): ISigned {
  switch (state) {
    case 'planned':
      return { sign: '○', word: trans.__('about to begin') };
    case 'running':
      return { sign: '●', word: trans.__('running') };
    case 'done':
      return { sign: '✓', word: trans.__('done') };
    case 'cancelled':
      return { sign: '◑', word: trans.__('stopped') };
    case 'spent':
      return { sign: '◑', word: trans.__('budget used up') };
    case 'failed':
      return { sign: '✗', word: trans.__('failed') };
    case 'interrupted':
      return { sign: '◌', word: trans.__('interrupted') };
  }
}

/** Whether something runs, or is about to. */
export function isLive(state: AblationState): boolean {
  return state === 'planned' || state === 'running';
}

/** Whether it can go on where it stopped. */
export function canResume(state: AblationState): boolean {
  return !isLive(state) && state !== 'done';
}

/** A finding as a sign; the sentence beside it says it in words. */
export function findingSign(finding: string): string {
  return { better: '▲', worse: '▼' }[finding] ?? '≈';
}

/** The colour of a finding. */
export function findingLook(finding: string): string {
  return { better: 'mc-good', worse: 'mc-bad' }[finding] ?? '';
}

/** The lower and the upper end. */
export function endsOf(
  bounds: Bounds
): readonly [number | null, number | null] {
  return [bounds?.[0] ?? null, bounds?.[1] ?? null];
}

/** A share in percent: `45.2 %`. */
export function percent(value: number | null): string {
  return value === null ? '–' : `${(100 * value).toFixed(1)} %`;
}

/** An interval in percent: `40.1–50.3 %`. */
export function percents(bounds: Bounds): string {
  const [low, high] = endsOf(bounds);
  return low === null || high === null
    ? '–'
    : `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)} %`;
}

/** A difference in points: `+5.2`. */
export function points(value: number | null): string {
  if (value === null) {
    return '–';
  }
  const digits = Math.abs(100 * value).toFixed(1);
  return Number(digits) === 0 ? '0.0' : `${value < 0 ? '−' : '+'}${digits}`;
}

/** An interval in points, within a sentence. */
export function pointsRange(bounds: Bounds, trans: TranslationBundle): string {
  const [low, high] = endsOf(bounds);
  return low === null || high === null
    ? '–'
    : trans.__('%1 to %2', points(low), points(high));
}

/** A large number, short: `12.3k`. */
export function short(count: number): string {
  if (count < 1000) {
    return String(count);
  }
  return count < 1_000_000
    ? `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`
    : `${(count / 1_000_000).toFixed(1)}M`;
}

/** How an arm did at a task, for those who do not see the sign. */
export function valueInWords(
  value: number | null,
  trans: TranslationBundle
): string {
  const mark: Mark = markOf(value);
  switch (mark) {
    case 'right':
      return trans.__('right');
    case 'wrong':
      return trans.__('wrong');
    case 'part':
      return trans.__('%1 of 1', (value ?? 0).toFixed(2));
    case 'none':
      return trans.__('not attempted');
  }
}

/** What a field of the form is called. */
export function fieldName(
  field: NumberField,
  trans: TranslationBundle
): string {
  switch (field) {
    case 'n':
      return trans.__('Test tasks');
    case 'seeds':
      return trans.__('Seeds');
    case 'samples':
      return trans.__('Attempts at each');
    case 'days':
      return trans.__('Days');
    case 'minutes':
      return trans.__('Budget, minutes');
    case 'tokens':
      return trans.__('Budget, tokens');
  }
}

/** Why it cannot be started, and what to do. */
export function obstacleInWords(
  obstacle: Obstacle,
  trans: TranslationBundle
): string {
  switch (obstacle) {
    case 'arms':
      return trans.__(
        'Choose at least two arms: one is compared with another.'
      );
    case 'tasks':
      return trans.__('Choose tasks that are there.');
    case 'n':
      return trans.__('Test tasks: give a whole number from 1 on.');
    case 'seeds':
      return trans.__('Seeds: give a whole number from 1 on.');
    case 'samples':
      return trans.__('Attempts at each: give a whole number from 1 on.');
    case 'days':
      return trans.__('Days: give a whole number from 1 on, or nothing.');
    case 'minutes':
      return trans.__('Budget: give minutes, or nothing.');
    case 'tokens':
      return trans.__('Budget: give a whole number of tokens, or nothing.');
  }
}
