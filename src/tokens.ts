import { Token } from '@lumino/coreutils';
import type { Notebook } from '@jupyterlab/notebook';

/** What the agent's cells begin with. */
export const CELL_MAGIC = '%%metaclaw';

export namespace CommandIDs {
  export const newAgentCell = 'metaclaw:new-agent-cell';
}

/** Cells that hold a task for the agent, for other plugins to use. */
export interface IAgentCells {
  /** Whether a cell's source is a task for the agent. */
  matches(source: string): boolean;

  /** Put an empty agent cell below the active one and start editing it. */
  insertBelow(notebook: Notebook): void;
}

export const IAgentCells = new Token<IAgentCells>(
  'metaclaw-jlab:IAgentCells',
  'Recognises and inserts cells that hold a task for the agent.'
);
