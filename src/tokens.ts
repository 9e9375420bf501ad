import type { Notebook } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { Connection } from './models/connection';
import type { Navigation } from './models/navigation';

/** What the agent's cells begin with. */
export const CELL_MAGIC = '%%metaclaw';

export namespace CommandIDs {
  export const newAgentCell = 'metaclaw:new-agent-cell';
  export const openSidebar = 'metaclaw:open-sidebar';
  /** Open a skill in the sidebar; `id` is its name. */
  export const showSkill = 'metaclaw:show-skill';
  /** Open a task in the sidebar, with why it went as it did; `id` is its trajectory's. */
  export const showTask = 'metaclaw:show-task';
}

/** The server behind the page, and where one is in the sidebar. */
export interface IHome {
  readonly connection: Connection;
  readonly navigation: Navigation;
}

export const IHome = new Token<IHome>(
  'metaclaw-jlab:IHome',
  'The server with the home of the agent, and the place in the sidebar.'
);

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
