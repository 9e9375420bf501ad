import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { activity } from './plugins/activity';
import { agentCells } from './plugins/agentCells';
import { measured } from './plugins/measured';
import { home, sidebar } from './plugins/sidebar';
import { taskHighlighting } from './plugins/taskHighlighting';

export * from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  activity,
  agentCells,
  home,
  sidebar,
  taskHighlighting
];

export default plugins.map(measured);
