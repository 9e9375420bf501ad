import type { TranslationBundle } from '@jupyterlab/translation';
import type { Changes } from '../../api/schema';

/** A mark of a skill, in words. */
export function markInWords(mark: string, trans: TranslationBundle): string {
  switch (mark) {
    case 'pinned':
      return trans.__('pinned');
    case 'disabled':
      return trans.__('disabled');
    case 'quarantined':
      return trans.__('in quarantine');
    default:
      return mark;
  }
}

/** How a group of the tree is called; what is a notebook's name stays as it is. */
export function groupInWords(
  by: string,
  key: string,
  label: string,
  trans: TranslationBundle
): string {
  if (by === 'source') {
    const words: Record<string, string> = {
      hand: trans.__('by hand'),
      import: trans.__('imported'),
      learnt: trans.__('learnt, in no known notebook')
    };
    return words[key] ?? label;
  }
  if (by === 'mark') {
    return key === 'none'
      ? trans.__('without a mark')
      : markInWords(key, trans);
  }
  return label;
}

/** One kind of change: some of its names, and how many there are. */
export interface IChangeSign {
  sign: string;
  word: string;
  names: readonly string[];
  count: number;
}

/** A difference that has three parts, by the sign of each. */
export function changeSigns(
  { added, changed, removed, left_out: left }: Changes,
  trans: TranslationBundle
): IChangeSign[] {
  return [
    { sign: '+', word: trans.__('added'), names: added, more: left.added },
    {
      sign: '~',
      word: trans.__('changed'),
      names: changed,
      more: left.changed
    },
    { sign: '−', word: trans.__('removed'), names: removed, more: left.removed }
  ]
    .filter(({ names }) => names.length > 0)
    .map(({ more, ...told }) => ({ ...told, count: told.names.length + more }));
}
