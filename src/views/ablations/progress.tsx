import React, { type ReactElement } from 'react';
import { useView } from '../context';
import { duration } from '../training/words';

interface IProgress {
  number: number;
  done: number;
  of: number;
  /** How long it takes yet, in seconds; null where that is not known. */
  eta: number | null;
}

/** How far an ablation is. */
export function Progress({ number, done, of, eta }: IProgress): ReactElement {
  const { trans } = useView();
  return (
    <div className="mc-progress">
      <progress
        max={Math.max(1, of)}
        value={done}
        aria-label={trans.__('Attempts of ablation %1', number)}
      />
      <span className="mc-number">
        {trans.__('%1 of %2 attempts', done, of)}
      </span>
      {eta !== null && (
        <span className="mc-number">
          {trans.__('about %1 left', duration(eta, trans))}
        </span>
      )}
    </div>
  );
}
