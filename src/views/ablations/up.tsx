import React, { type ReactElement } from 'react';
import { useView } from '../context';

interface IUp {
  label: string;
  /** What is over this page; the list where nothing is given. */
  subject?: string;
}

/** The way up: back to where one came from, where that is the page over this one. */
export function Up({ label, subject }: IUp): ReactElement {
  const { navigation } = useView();
  const climb = (): void => {
    const { before } = navigation;
    if (before?.tab === 'ablations' && before.subject === subject) {
      navigation.back();
    } else {
      navigation.go('ablations', subject);
    }
  };
  return (
    <button type="button" className="mc-link mc-back" onClick={climb}>
      <span aria-hidden="true">‹ </span>
      {label}
    </button>
  );
}
