import type { TranslationBundle } from '@jupyterlab/translation';
import React, { type ReactElement, type ReactNode } from 'react';
import type { IPlace } from '../../models/navigation';
import { skillPlace } from '../../models/skillPlace';
import { useView } from '../context';

interface IHead {
  title: ReactNode;
  children?: ReactNode;
}

/** The head of a page in the tab: the way back, what it is about, and what can be switched. */
export function Head({ title, children }: IHead): ReactElement {
  const { navigation, trans } = useView();
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
        {placeInWords(navigation.before, trans)}
      </button>
      <h3 className="mc-page-title">{title}</h3>
      {children}
    </div>
  );
}

/** Where the way back leads. */
function placeInWords(
  place: IPlace | undefined,
  trans: TranslationBundle
): string {
  if (place && place.tab !== 'skills') {
    return trans.__('Back');
  }
  const shown = skillPlace(place?.subject);
  switch (shown.kind) {
    case 'library':
      return trans.__('Skills');
    case 'generations':
      return trans.__('Generations');
    case 'generation':
      return trans.__('g%1', shown.number);
    case 'new':
    case 'skill':
      return trans.__('Back');
  }
}
