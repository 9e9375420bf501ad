import React, { type ReactElement } from 'react';
import type { Pages } from '../models/pages';
import { useView } from './context';

interface IPager {
  pages: Pages<unknown>;
  /** What is paged, for those who hear. */
  label: string;
}

/** The way to older and newer rows; nothing where all are shown. */
export function Pager({ pages, label }: IPager): ReactElement | null {
  const { trans } = useView();
  if (!pages.hasOlder && pages.newerPages === 0) {
    return null;
  }
  return (
    <nav className="mc-buttons" aria-label={label}>
      <button
        type="button"
        className="mc-button"
        disabled={pages.newerPages === 0}
        onClick={() => {
          void pages.newer();
        }}
      >
        {trans.__('‹ Newer')}
      </button>
      <button
        type="button"
        className="mc-button"
        disabled={!pages.hasOlder}
        onClick={() => {
          void pages.older();
        }}
      >
        {trans.__('Older ›')}
      </button>
    </nav>
  );
}
