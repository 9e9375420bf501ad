import React, { type ReactElement, type ReactNode } from 'react';
import { useView } from '../context';

interface IHead {
  /** Where the way back leads where nothing else is known. */
  back: string;
  title: ReactNode;
  children?: ReactNode;
}

/** The head of a page in the tab: the way back, what it is about, and what can be switched. */
export function Head({ back, title, children }: IHead): ReactElement {
  const { navigation } = useView();
  return (
    <div className="mc-page-head">
      <button
        type="button"
        className="mc-link mc-page-back"
        data-mc-focus
        onClick={() => {
          navigation.back();
        }}
      >
        <span aria-hidden="true">‹ </span>
        {back}
      </button>
      <h3 className="mc-page-title">{title}</h3>
      {children}
    </div>
  );
}
