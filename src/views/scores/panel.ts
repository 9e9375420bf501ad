import { type RefObject, useLayoutEffect, useState } from 'react';

/** The part of the sidebar around a view that scrolls; null at first. */
export function usePanel(
  view: RefObject<HTMLElement | null>
): HTMLElement | null {
  const [panel, setPanel] = useState<HTMLElement | null>(null);
  useLayoutEffect(() => {
    setPanel(view.current?.closest<HTMLElement>('.mc-panel') ?? null);
  }, [view]);
  return panel;
}
