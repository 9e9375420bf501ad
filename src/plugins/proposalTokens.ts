import { Token } from '@lumino/coreutils';
import type { Desk } from '../models/desk';
import type { Said } from '../models/said';
import type { LiveRegion } from '../views/liveRegion';

/** What can be done with the agent's cells. `cell` is the id of one in the current notebook, else the active one. */
export namespace ProposalCommands {
  export const accept = 'metaclaw:accept';
  export const acceptAndRun = 'metaclaw:accept-and-run';
  export const reject = 'metaclaw:reject';
  export const undo = 'metaclaw:undo';
  export const redo = 'metaclaw:redo';
  /** Tell why a task went as it did. */
  export const why = 'metaclaw:why';
  /** Ask for a failed cell to be mended. */
  export const fix = 'metaclaw:fix';
  /** Let the agent learn from what the user corrected. */
  export const learnFrom = 'metaclaw:learn-from';
  export const good = 'metaclaw:good';
  export const bad = 'metaclaw:bad';
}

/** The proposals in all open notebooks, and what the user says of tasks. */
export interface IProposalDesk {
  readonly desk: Desk;
  readonly said: Said;
  readonly live: LiveRegion;
}

export const IProposalDesk = new Token<IProposalDesk>(
  'metaclaw-jlab:IProposalDesk',
  'The proposals of the agent in the open notebooks, and what is said of its tasks.'
);
