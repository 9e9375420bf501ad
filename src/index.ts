import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { activity } from './plugins/activity';
import { agentCells } from './plugins/agentCells';
import { taskHighlighting } from './plugins/taskHighlighting';

export * from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  activity,
  agentCells,
  taskHighlighting
];

export default plugins;
