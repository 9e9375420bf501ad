import React, { type ReactElement } from 'react';

const PATHS = {
  power: 'M8 1.5v6M4.6 3.6a5.4 5.4 0 1 0 6.8 0',
  pinned: 'M5.5 1.5h5l-.7 5L12 9H4l2.2-2.5zM8 9v5.5',
  disabled: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM3.8 12.2l8.4-8.4',
  quarantined: 'M8 2 1.8 13.5h12.4zM8 6.5V10M8 11.4v.8'
};

export type SignName = keyof typeof PATHS;

/** Whether there is a sign of this name. */
export function isSign(name: string): name is SignName {
  return name in PATHS;
}

/** A small sign for those who see; the word for it stands beside it. */
export function Sign({ name }: { name: SignName }): ReactElement {
  return (
    <svg
      className="mc-sign"
      aria-hidden="true"
      width="14"
      height="14"
      viewBox="0 0 16 16"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
