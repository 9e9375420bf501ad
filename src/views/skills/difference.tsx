import React, { type ReactElement } from 'react';
import type { GenerationDiff } from '../../api/schema';
import { visible } from '../../models/hidden';
import { useView } from '../context';
import { Changed } from './changed';

const NAMES = 20;
const TEXTS = 20;
const LINES = 120;
const KINDS: Record<string, string> = {
  '+': 'mc-line-new',
  '-': 'mc-line-old',
  '@': 'mc-quiet'
};

/** What one library has otherwise than another: the names, and the lines of the texts. */
export function Difference({ found }: { found: GenerationDiff }): ReactElement {
  const { trans } = useView();
  const { changes, texts, more } = found;
  const left = more + Math.max(0, texts.length - TEXTS);
  return (
    <>
      <Changed changes={changes} most={NAMES} />
      {texts.slice(0, TEXTS).map(({ name, lines }) => (
        <details key={name} className="mc-more" open={texts.length === 1}>
          <summary>{name}</summary>
          <pre className="mc-lines" dir="auto" tabIndex={0}>
            {lines.slice(0, LINES).map((line, index) => (
              <span key={index} className={KINDS[line.charAt(0)]}>
                {visible(line)}
                {'\n'}
              </span>
            ))}
            {lines.length > LINES &&
              trans.__('… %1 more lines', lines.length - LINES)}
          </pre>
        </details>
      ))}
      {left > 0 && (
        <p className="mc-quiet">
          {trans._n(
            'The text of one more is not shown.',
            'The texts of %1 more are not shown.',
            left,
            left
          )}
        </p>
      )}
    </>
  );
}
