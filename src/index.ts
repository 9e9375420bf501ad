import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { activity } from './plugins/activity';
import { agentCells } from './plugins/agentCells';
import { measured } from './plugins/measured';
import { newNotebook } from './plugins/newNotebook';
import { home, sidebar } from './plugins/sidebar';
import { statusItem } from './plugins/statusItem';
import { steering } from './plugins/steering';
import { taskHighlighting } from './plugins/taskHighlighting';

export * from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  activity,
  agentCells,
  home,
  newNotebook,
  sidebar,
  statusItem,
  steering,
  taskHighlighting
];

export default plugins.map(measured);
