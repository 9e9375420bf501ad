import React, { type ReactElement } from 'react';
import { useView } from '../context';

/** That there are characters in a text that cannot be seen; nothing where there are none. */
export function Hidden({ count }: { count: number }): ReactElement | null {
  const { trans } = useView();
  return count === 0 ? null : (
    <div className="mc-trouble" role="note">
      <span aria-hidden="true">⚠</span>{' '}
      {trans._n(
        'One character in it cannot be seen. It is written out, such as ⟦U+202E⟧.',
        '%1 characters in it cannot be seen. They are written out, such as ⟦U+202E⟧.',
        count,
        count
      )}
    </div>
  );
}
