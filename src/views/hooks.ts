import type { ISignal } from '@lumino/signaling';
import {
  createContext,
  useContext,
  useEffect,
  useReducer,
  useRef
} from 'react';
import type { Api } from '../api/client';
import type { Connection } from '../models/connection';
import { Resource } from '../models/resource';

/** Draw again when a signal fires. */
export function useSignal(signal: ISignal<unknown, unknown>): void {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const drawAgain = (): void => {
      draw();
    };
    signal.connect(drawAgain);
    return () => {
      signal.disconnect(drawAgain);
    };
  }, [signal]);
}

/** Whether the panel around a view is seen: what is not seen needs nothing fresh. */
export const SeenContext = createContext(true);

/** Keep something of the server's fresh while the view is there, and seen. */
export function useResource<T>(resource: Resource<T>): Resource<T> {
  useSignal(resource.changed);
  const seen = useContext(SeenContext);
  useEffect(() => {
    if (!seen) {
      return;
    }
    const watching = resource.watch();
    return () => {
      watching.dispose();
    };
  }, [resource, seen]);
  return resource;
}

/**
 * A resource of the view's own, made anew when `key` is another: what is asked
 * for must depend on `key` alone.
 */
export function useLoaded<T>(
  connection: Connection,
  key: string,
  load: (api: Api) => Promise<T>
): Resource<T> {
  const kept = useRef<{ key: string; resource: Resource<T> } | null>(null);
  if (kept.current?.key !== key) {
    kept.current = { key, resource: new Resource(connection, load) };
  }
  return useResource(kept.current.resource);
}
