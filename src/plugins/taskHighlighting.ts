import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  INotebookTracker,
  type INotebookModel,
  type NotebookPanel
} from '@jupyterlab/notebook';
import { highlightAsTask } from '../models/agentCell';

/** Highlight every code cell of a notebook, those that come later too. */
function highlightNotebook(model: INotebookModel): void {
  const seen = new WeakSet();
  const visit = (): void => {
    for (const cell of model.cells) {
      if (cell.type === 'code' && !seen.has(cell)) {
        seen.add(cell);
        highlightAsTask(cell);
      }
    }
  };
  model.cells.changed.connect(visit);
  visit();
}

/** Tasks are prose: no Python colours, no red underlines. */
export const taskHighlighting: JupyterFrontEndPlugin<void> = {
  id: 'metaclaw-jlab:task-highlighting',
  description: 'Shows cells that hold a task for the agent as prose.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_app: JupyterFrontEnd, tracker: INotebookTracker): void => {
    const follow = (panel: NotebookPanel): void => {
      if (panel.content.model) {
        highlightNotebook(panel.content.model);
      }
      panel.content.modelChanged.connect(notebook => {
        if (notebook.model) {
          highlightNotebook(notebook.model);
        }
      });
    };
    tracker.forEach(follow);
    tracker.widgetAdded.connect((_, panel) => {
      follow(panel);
    });
  }
};
