import type { Notebook } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { Connection } from './models/connection';
import type { FirstSteps } from './models/firstSteps';
import type { Navigation } from './models/navigation';
import type { Overview } from './models/overview';
import type { Steering } from './models/steering';

/** What the agent's cells begin with. */
export const CELL_MAGIC = '%%metaclaw';

export namespace CommandIDs {
  export const newAgentCell = 'metaclaw:new-agent-cell';
  export const openSidebar = 'metaclaw:open-sidebar';
  export const openSettings = 'metaclaw:open-settings';
  /** Open a skill in the sidebar; `id` is its name. */
  export const showSkill = 'metaclaw:show-skill';
  /** Open a task in the sidebar, with why it went as it did; `id` is its trajectory's. */
  export const showTask = 'metaclaw:show-task';
  /** Open a tab of the sidebar; `tab` is one of `TAB_IDS`, `subject` the one thing in it, such as `run/3`. */
  export const showTab = 'metaclaw:show-tab';
  export const nextTab = 'metaclaw:next-tab';
  export const previousTab = 'metaclaw:previous-tab';
  export const goBack = 'metaclaw:go-back';
  export const searchSkills = 'metaclaw:search-skills';
  export const newAblation = 'metaclaw:new-ablation';
  /** Open the ablations in the sidebar; `number` is one of them. */
  export const showAblations = 'metaclaw:show-ablations';
  /** Look whether everything is in order. */
  export const doctor = 'metaclaw:doctor';
  export const trainNow = 'metaclaw:train-now';
  export const stopTraining = 'metaclaw:stop-training';
  /** Train nothing by itself, for `minutes` or until that is taken back. */
  export const pause = 'metaclaw:pause';
  export const resume = 'metaclaw:resume';
  /** Open a notebook that begins with an agent cell; `cwd` is its folder. */
  export const newNotebook = 'metaclaw:new-notebook';
}

/** The server behind the page, where one is in the sidebar, and what to do first. */
export interface IHome {
  readonly connection: Connection;
  readonly firstSteps: FirstSteps;
  readonly navigation: Navigation;
}

export const IHome = new Token<IHome>(
  'metaclaw-jlab:IHome',
  'The server with the home of the agent, and the place in the sidebar.'
);

/** What goes on in the home at a glance, and the user's hand on it. */
export interface IHelm {
  readonly overview: Overview;
  readonly steering: Steering;
}

export const IHelm = new Token<IHelm>(
  'metaclaw-jlab:IHelm',
  'What goes on in the home at a glance, and how to train, stop and pause.'
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
