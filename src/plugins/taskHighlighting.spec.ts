import type { JupyterFrontEnd } from '@jupyterlab/application';
import { NotebookModel, type NotebookPanel } from '@jupyterlab/notebook';
import { NBTestUtils } from '@jupyterlab/notebook/lib/testutils';
import { Signal } from '@lumino/signaling';
import { TASK_MIME_TYPE } from '../models/agentCell';
import { taskHighlighting } from './taskHighlighting';

function openNotebook(): NotebookModel {
  const notebook = NBTestUtils.createNotebook();
  const model = new NotebookModel();
  model.sharedModel.insertCells(0, [
    { cell_type: 'code', source: 'x = 1' },
    { cell_type: 'code', source: '%%metaclaw\ntask' },
    { cell_type: 'raw', source: '%%metaclaw\nquoted' }
  ]);
  notebook.model = model;
  const panel = { content: notebook } as unknown as NotebookPanel;
  void taskHighlighting.activate({} as unknown as JupyterFrontEnd, {
    forEach: (visit: (panel: NotebookPanel) => void) => {
      visit(panel);
    },
    widgetAdded: new Signal({})
  });
  return model;
}

function prose(model: NotebookModel): boolean[] {
  return [...model.cells].map(cell => cell.mimeType === TASK_MIME_TYPE);
}

describe('the task highlighting', () => {
  it('shows agent cells as prose and no others', () => {
    expect(prose(openNotebook())).toEqual([false, true, false]);
  });

  it('reaches cells that are added later', () => {
    const model = openNotebook();
    model.sharedModel.insertCell(0, {
      cell_type: 'code',
      source: '%%metaclaw\nanother'
    });
    expect(prose(model)).toEqual([true, false, true, false]);
  });
});
