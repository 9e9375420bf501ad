import type { TranslationBundle } from '@jupyterlab/translation';
import type { Setting } from '../api/schema';

/** What a text means as the value of a setting, or why it means nothing. */
export type Meant = { value: unknown } | { problem: string };

/** A setting's value as it is edited: empty where it is unset. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The value that a text means for a setting; bounds are the server's to check. */
export function meantBy(
  text: string,
  setting: Pick<Setting, 'kind' | 'nullable'>,
  trans: TranslationBundle
): Meant {
  const trimmed = text.trim();
  if (trimmed === '' && setting.nullable) {
    return { value: null };
  }
  switch (setting.kind) {
    case 'integer':
    case 'number':
      return number(trimmed, setting.kind, trans);
    case 'table':
      return table(trimmed, trans);
    default:
      return { value: trimmed };
  }
}

/** The bounds of a number in words, "" where it has none. */
export function boundsOf(
  { minimum, maximum }: Pick<Setting, 'minimum' | 'maximum'>,
  trans: TranslationBundle
): string {
  const [least, most] = [minimum, maximum].map(bound =>
    bound === null ? undefined : String(bound)
  );
  if (least !== undefined && most !== undefined) {
    return trans.__('%1 to %2', least, most);
  }
  if (least !== undefined) {
    return trans.__('at least %1', least);
  }
  return most === undefined ? '' : trans.__('at most %1', most);
}

function number(
  text: string,
  kind: 'integer' | 'number',
  trans: TranslationBundle
): Meant {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) {
    return { problem: trans.__('This is no number.') };
  }
  if (kind === 'integer' && !Number.isSafeInteger(value)) {
    return { problem: trans.__('This is no whole number.') };
  }
  return { value };
}

function table(text: string, trans: TranslationBundle): Meant {
  const problem = trans.__('Write a table as JSON, such as {"top_p": 0.9}.');
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { value }
      : { problem };
  } catch {
    return { problem };
  }
}
