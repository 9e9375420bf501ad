import type { TranslationBundle } from '@jupyterlab/translation';
import type {
  AdapterStatus,
  GateReport,
  RunState,
  ServingCause,
  Verdict,
  Window
} from '../../api/schema';
import type { FigureId, LineId } from '../../models/curves';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const KILO = 1000;
const MINUS = '−';

/** A number with its sign, and a true minus; a dash where there is none. */
export function signed(value: number | null, digits = 2): string {
  if (value === null) {
    return '–';
  }
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `${MINUS}${text}` : `+${text}`;
}

/** A number without a plus; a dash where there is none. */
export function plain(value: number | null, digits = 2): string {
  return value === null ? '–' : value.toFixed(digits).replace('-', MINUS);
}

export function bytes(count: number, trans: TranslationBundle): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let size = count;
  let unit = 0;
  while (size >= KILO && unit < units.length - 1) {
    size /= KILO;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return trans.__('%1 %2', size.toFixed(digits), units[unit] ?? '');
}

/** About how long, as people say it. */
export function duration(
  seconds: number | null,
  trans: TranslationBundle
): string {
  if (seconds === null) {
    return '–';
  }
  if (seconds < 1.5 * MINUTE) {
    return trans.__(
      '%1 s',
      seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)
    );
  }
  if (seconds < 1.5 * HOUR) {
    return trans.__('%1 min', Math.round(seconds / MINUTE));
  }
  return trans.__('%1 h', (seconds / HOUR).toFixed(1));
}

/** What answers: a version, or the base. */
export function versionName(
  version: number | null,
  trans: TranslationBundle
): string {
  return version === null ? trans.__('the base') : `v${String(version)}`;
}

export function stateWord(state: RunState, trans: TranslationBundle): string {
  switch (state) {
    case 'collecting':
      return trans.__('collecting');
    case 'training':
      return trans.__('training');
    case 'paused':
      return trans.__('paused');
    case 'gating':
      return trans.__('at the gate');
    case 'done':
      return trans.__('done');
    case 'abandoned':
      return trans.__('given up');
    case 'failed':
      return trans.__('failed');
  }
}

export function statusWord(
  status: AdapterStatus,
  trans: TranslationBundle
): string {
  switch (status) {
    case 'candidate':
      return trans.__('candidate');
    case 'promoted':
      return trans.__('promoted');
    case 'rejected':
      return trans.__('rejected');
    case 'forced':
      return trans.__('promoted by hand');
  }
}

/** A verdict with its sign: not by colour alone. */
export function verdictWord(
  verdict: Verdict,
  trans: TranslationBundle
): string {
  switch (verdict) {
    case 'promote':
      return trans.__('✓ promote');
    case 'reject':
      return trans.__('✗ reject');
    case 'insufficient':
      return trans.__('? too little evidence');
  }
}

/** What the last gate of an adapter said, within a sentence. */
export function gateSaid(
  gate: GateReport | null,
  trans: TranslationBundle
): string {
  switch (gate?.verdict) {
    case 'promote':
      return trans.__('Its gate said: promote.');
    case 'reject':
      return trans.__('Its gate said: reject.');
    case 'insufficient':
      return trans.__('Its gate said: too little evidence.');
    default:
      return trans.__('No gate has looked at it.');
  }
}

/** A comparison of a gate, by the name that the gate has for it. */
export function comparisonName(name: string, trans: TranslationBundle): string {
  const [kind, reference, temperature] = name.split('/');
  if (kind === 'gain') {
    return trans.__('gain on held-out tasks');
  }
  if (kind === 'regression' && reference !== undefined) {
    const against =
      reference === 'base'
        ? trans.__('no drop against the base')
        : reference === 'best'
          ? trans.__('no drop against the best before')
          : trans.__('no drop against %1', reference);
    return temperature === undefined ? against : `${against}, ${temperature}`;
  }
  return name;
}

export function causeWord(
  cause: ServingCause,
  trans: TranslationBundle
): string {
  switch (cause) {
    case 'promote':
      return trans.__('its gate passed');
    case 'force':
      return trans.__('by hand');
    case 'rollback':
      return trans.__('rolled back to it');
    case 'watch':
      return trans.__('what served had dropped');
  }
}

/** What closed a window; a signal by its name. */
export function closedBy(window: Window, trans: TranslationBundle): string {
  switch (window.closed_by) {
    case '':
      return trans.__('open');
    case 'pause':
      return trans.__('paused by you');
    case 'budget':
      return trans.__('the day’s share used up');
    case 'shutdown':
      return trans.__('the server ended');
    case 'crash':
      return trans.__('the server died');
    default:
      return window.closed_by;
  }
}

export function figureName(id: FigureId, trans: TranslationBundle): string {
  switch (id) {
    case 'reward':
      return trans.__('Reward');
    case 'kl':
      return trans.__('KL to the base');
    case 'loss':
      return trans.__('Loss');
    case 'entropy':
      return trans.__('Entropy');
  }
}

export function lineName(id: LineId, trans: TranslationBundle): string {
  switch (id) {
    case 'reward':
      return trans.__('all');
    case 'query':
      return trans.__('your tasks');
    case 'replay':
      return trans.__('replay');
    case 'kl':
      return trans.__('KL');
    case 'loss':
      return trans.__('loss');
    case 'entropy':
      return trans.__('entropy');
  }
}
