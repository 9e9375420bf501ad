import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { agentCells } from './plugins/agentCells';
import { taskHighlighting } from './plugins/taskHighlighting';

export * from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  agentCells,
  taskHighlighting
];

export default plugins;
