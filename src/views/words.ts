import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Reading, Schedule } from '../api/schema';
import type { Outcome } from '../models/scores';

/** For how many minutes training can be paused from a menu; undefined until that is taken back. */
export const PAUSES: readonly (number | undefined)[] = [
  30,
  60,
  240,
  24 * 60,
  undefined
];

/** What a pause is called in menus. */
export function pauseInWords(
  minutes: number | undefined,
  trans: TranslationBundle
): string {
  if (minutes === undefined) {
    return trans.__('Pause training until resumed');
  }
  if (minutes < 60) {
    return trans.__('Pause training for %1 minutes', minutes);
  }
  const hours = Math.round(minutes / 60);
  return trans._n(
    'Pause training for an hour',
    'Pause training for %1 hours',
    hours
  );
}

/** A command's label: with our name before it, but in menus that bear it (their `isMenu`). */
export function named(
  label: string,
  args: ReadonlyPartialJSONObject,
  trans: TranslationBundle
): string {
  return args['isMenu'] === true ? label : trans.__('MetaClaw: %1', label);
}

/** Where training stands, in a word; the sign is for those who see. */
export interface IStanding {
  word: string;
  sign: string;
  /** Whether something is done to the machine. */
  live: boolean;
}

/** Where the scheduler stands, in a word. */
export function standingOf(
  schedule: Schedule,
  trans: TranslationBundle
): IStanding {
  const { view, pause, host } = schedule;
  switch (view?.state) {
    case 'training':
      return { word: trans.__('Training'), sign: '●', live: true };
    case 'gating':
      return { word: trans.__('Comparing'), sign: '◑', live: true };
    case 'pausing':
      return { word: trans.__('Stopping'), sign: '◌', live: true };
    case 'open':
      return { word: trans.__('Ready'), sign: '◔', live: false };
    case 'waiting':
    case undefined:
      break;
  }
  if (pause) {
    return { word: trans.__('Paused'), sign: '‖', live: false };
  }
  if (view) {
    return { word: trans.__('Waiting'), sign: '○', live: false };
  }
  return host === null
    ? { word: trans.__('Off'), sign: '◇', live: false }
    : { word: trans.__('Unknown'), sign: '?', live: false };
}

/** A sign for those who see, the word for those who hear. */
export interface ISigned {
  sign: string;
  word: string;
}

/** How a task went. */
export function outcomeInWords(
  outcome: Outcome,
  trans: TranslationBundle
): ISigned {
  switch (outcome) {
    case 'right':
      return { sign: '✓', word: trans.__('done right:') };
    case 'wrong':
      return { sign: '✗', word: trans.__('went wrong:') };
    case 'open':
      return { sign: '…', word: trans.__('open:') };
    case 'ended':
      return { sign: '–', word: trans.__('ended:') };
  }
}

/** What a signal says, in a word. */
export function readingInWords(
  { state }: Pick<Reading, 'state'>,
  trans: TranslationBundle
): ISigned {
  switch (state) {
    case 'idle':
      return { sign: '○', word: trans.__('idle') };
    case 'busy':
      return { sign: '●', word: trans.__('busy') };
    case 'unknown':
      return { sign: '?', word: trans.__('unknown') };
  }
}

/** What a generation was made for, in words. */
export function causeInWords(cause: string, trans: TranslationBundle): string {
  switch (cause) {
    case 'initial':
      return trans.__('the beginning');
    case 'evolver':
      return trans.__('learnt from failures');
    case 'user':
      return trans.__('by hand');
    case 'import':
      return trans.__('import');
    case 'rollback':
      return trans.__('rollback');
    default:
      return cause;
  }
}
