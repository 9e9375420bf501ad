import React, { type ReactElement } from 'react';

const TAIL = 8;

/** A name that is cut in its middle where there is no room for it, whole on hover. */
export function Name({ text }: { text: string }): ReactElement {
  const at = Math.max(0, text.length - TAIL);
  return (
    <span className="mc-name" title={text}>
      <span className="mc-name-head">{text.slice(0, at)}</span>
      <span className="mc-name-tail">{text.slice(at)}</span>
    </span>
  );
}
