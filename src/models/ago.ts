import type { TranslationBundle } from '@jupyterlab/translation';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, as people say it. Both in seconds since the epoch. */
export function ago(at: number, now: number, trans: TranslationBundle): string {
  const seconds = now - at;
  if (seconds < -MINUTE) {
    return until(-seconds, trans);
  }
  if (seconds < 45) {
    return trans.__('just now');
  }
  if (seconds < 45 * MINUTE) {
    return trans.__('%1 min ago', Math.max(1, Math.round(seconds / MINUTE)));
  }
  if (seconds < 22 * HOUR) {
    return trans.__('%1 h ago', Math.max(1, Math.round(seconds / HOUR)));
  }
  const days = Math.max(1, Math.round(seconds / DAY));
  return days === 1 ? trans.__('yesterday') : trans.__('%1 days ago', days);
}

/** A moment exactly, in the words of the page's language. */
export function exactly(at: number): string {
  return new Date(at * 1000).toLocaleString();
}

function until(seconds: number, trans: TranslationBundle): string {
  if (seconds < 45 * MINUTE) {
    return trans.__('in %1 min', Math.max(1, Math.round(seconds / MINUTE)));
  }
  if (seconds < 22 * HOUR) {
    return trans.__('in %1 h', Math.max(1, Math.round(seconds / HOUR)));
  }
  return trans.__('in %1 days', Math.max(1, Math.round(seconds / DAY)));
}
