import React, { type ReactElement, useEffect, useReducer } from 'react';
import { ago, exactly } from '../models/ago';
import { useView } from './context';

const AGAIN_MS = 30_000;

/** A moment as people say it, exact on hover. `at` is in seconds since the epoch. */
export function Ago({ at }: { at: number }): ReactElement {
  const { trans } = useView();
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(draw, AGAIN_MS);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={exactly(at)}>
      {ago(at, Date.now() / 1000, trans)}
    </time>
  );
}
