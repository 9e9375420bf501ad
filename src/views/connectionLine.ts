import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState } from 'react';
import { ago } from '../models/ago';
import type { Comeback, Connection } from '../models/connection';
import { useView } from './context';
import { useSignal } from './hooks';

/** For how long it is said that the server is back. */
const SAID_MS = 8_000;

const CLOCK_MS = 15_000;

/** What there is to say of the server: nothing (""), where all is well. */
export function useConnectionLine(): string {
  const { connection, trans } = useView();
  useSignal(connection.stateChanged);
  const back = useComeback(connection);
  useClock(connection.state === 'gone');
  switch (connection.state) {
    case 'connecting':
      return connection.slow ? slow(trans) : '';
    case 'gone':
      return gone(connection, trans);
    case 'absent':
      return trans.__('The server has no MetaClaw extension.');
    case 'closed':
      return connection.failure?.message ?? '';
    case 'open':
      break;
  }
  if (back) {
    return comeback(back, connection, trans);
  }
  return connection.slow ? slow(trans) : '';
}

/** How the server came back, for a while; that it is of another version stays. */
function useComeback(connection: Connection): Comeback | undefined {
  const [back, setBack] = useState<Comeback>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const told = (_: unknown, how: Comeback): void => {
      clearTimeout(timer);
      setBack(how);
      if (how !== 'changed') {
        timer = setTimeout(() => {
          setBack(undefined);
        }, SAID_MS);
      }
    };
    connection.cameBack.connect(told);
    return () => {
      clearTimeout(timer);
      connection.cameBack.disconnect(told);
    };
  }, [connection]);
  return back;
}

/** Draw again now and then, while time is told. */
function useClock(runs: boolean): void {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!runs) {
      return;
    }
    const timer = setInterval(() => {
      tick(count => count + 1);
    }, CLOCK_MS);
    return () => {
      clearInterval(timer);
    };
  }, [runs]);
}

function gone({ heardAt }: Connection, trans: TranslationBundle): string {
  if (heardAt === 0) {
    return trans.__('The server does not answer. It is asked again by itself.');
  }
  return trans.__(
    'The server does not answer; last heard of %1. It is asked again by itself.',
    ago(heardAt / 1000, Date.now() / 1000, trans)
  );
}

function slow(trans: TranslationBundle): string {
  return trans.__('The server is slow to answer.');
}

function comeback(
  how: Comeback,
  { health, firstVersion }: Connection,
  trans: TranslationBundle
): string {
  switch (how) {
    case 'again':
      return trans.__('The server answers again.');
    case 'restarted':
      return trans.__('The server was restarted, and answers again.');
    case 'changed':
      return trans.__(
        'The server is of version %1 now, the page of %2: reload the page.',
        health?.version ?? '?',
        firstVersion ?? '?'
      );
  }
}
