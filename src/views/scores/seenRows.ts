import { useLayoutEffect, useState } from 'react';
import { flushSync } from 'react-dom';

/** The rows of a list that are on the screen; none where `last` is under `first`. */
export interface ISeenRows {
  readonly first: number;
  readonly last: number;
}

/**
 * Which rows are seen of a list that begins `margin` pixels under the top of
 * its panel. Each is `height` pixels high, so that this is reckoned at once
 * however many there are.
 */
export function useSeenRows(
  panel: HTMLElement | null,
  margin: number,
  height: number
): ISeenRows {
  const [seen, setSeen] = useState<ISeenRows>({ first: 0, last: -1 });
  useLayoutEffect(() => {
    if (!panel) {
      return;
    }
    const look = (): void => {
      const top = panel.scrollTop - margin;
      const first = Math.max(0, Math.floor(top / height));
      const last = Math.ceil((top + panel.clientHeight) / height) - 1;
      setSeen(known =>
        known.first === first && known.last === last ? known : { first, last }
      );
    };
    // Drawn with the frame that shows the new place: a later one would show a gap.
    const follow = (): void => {
      flushSync(look);
    };
    look();
    panel.addEventListener('scroll', follow, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(panel);
    return () => {
      panel.removeEventListener('scroll', follow);
      observer.disconnect();
    };
  }, [panel, margin, height]);
  return seen;
}
