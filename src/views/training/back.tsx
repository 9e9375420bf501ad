import React, { type ReactElement } from 'react';
import { useView } from '../context';

/** The way back from one thing to the list, or to where one came from. */
export function Back({ label }: { label: string }): ReactElement {
  const { navigation } = useView();
  return (
    <button
      type="button"
      className="mc-link mc-back"
      onClick={() => {
        navigation.back();
      }}
    >
      <span aria-hidden="true">‹ </span>
      {label}
    </button>
  );
}
