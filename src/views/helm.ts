import { createContext, useContext } from 'react';
import type { IHelm } from '../tokens';

export const HelmContext = createContext<IHelm | null>(null);

/** What goes on in the home at a glance, and the user's hand on it. */
export function useHelm(): IHelm {
  const helm = useContext(HelmContext);
  if (!helm) {
    throw new Error('A view of MetaClaw was drawn outside its sidebar.');
  }
  return helm;
}
