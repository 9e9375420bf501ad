import type { PartialJSONObject } from '@lumino/coreutils';

/** The tag of cells that the agent never changes and never runs. */
export const PROTECTED_TAG = 'metaclaw-protect';

/** Whether a cell with this metadata is left alone by the agent. */
export function isProtected(metadata: PartialJSONObject): boolean {
  const tags = metadata['tags'];
  return Array.isArray(tags) && tags.includes(PROTECTED_TAG);
}
