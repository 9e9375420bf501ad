import React, { type ReactElement, useEffect, useRef } from 'react';

interface IDifference {
  before: string;
  after: string;
  label: string;
}

/** What changes from one code to another; the view for it is loaded when there is one to show. */
export function CodeDifference(props: IDifference): ReactElement {
  const { before, after, label } = props;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let gone = false;
    let destroy = (): void => undefined;
    void import('./mergedCode').then(({ showDifference }) => {
      if (!gone && place.current) {
        destroy = showDifference(place.current, before, after, label);
      }
    });
    return () => {
      gone = true;
      destroy();
    };
  }, [before, after, label]);
  return <div className="mc-difference" ref={place} />;
}
