import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ablations } from './plugins/ablations';
import { activity } from './plugins/activity';
import { agentCells } from './plugins/agentCells';
import { cellActions } from './plugins/cellActions';
import { firstSteps } from './plugins/firstSteps';
import { measured } from './plugins/measured';
import { newNotebook } from './plugins/newNotebook';
import { proposals } from './plugins/proposals';
import { settings } from './plugins/settings';
import { home, sidebar } from './plugins/sidebar';
import { statusItem } from './plugins/statusItem';
import { steering } from './plugins/steering';
import { taskHighlighting } from './plugins/taskHighlighting';
import { taskOutputs } from './plugins/taskOutputs';

export * from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  ablations,
  activity,
  agentCells,
  firstSteps,
  cellActions,
  home,
  newNotebook,
  settings,
  proposals,
  sidebar,
  statusItem,
  steering,
  taskHighlighting,
  taskOutputs
];

export default plugins.map(measured);
