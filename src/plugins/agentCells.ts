import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, type Notebook } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { isAgentCell } from '../models/agentCell';
import { CELL_MAGIC, CommandIDs, IAgentCells } from '../tokens';

function insertBelow(notebook: Notebook): void {
  if (!notebook.model || notebook.model.readOnly) {
    return;
  }
  const index = notebook.activeCellIndex + 1;
  notebook.model.sharedModel.insertCell(index, {
    cell_type: 'code',
    source: `${CELL_MAGIC}\n`,
    metadata: { trusted: true }
  });
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  notebook.mode = 'edit';
  const cell = notebook.activeCell;
  void cell?.ready.then(() => {
    cell.editor?.setCursorPosition({ line: 1, column: 0 });
  });
}

/** The command "MetaClaw: New agent cell". */
export const agentCells: JupyterFrontEndPlugin<IAgentCells> = {
  id: 'metaclaw-jlab:agent-cells',
  description: 'Inserts cells that hold a task for the agent.',
  autoStart: true,
  provides: IAgentCells,
  requires: [INotebookTracker],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): IAgentCells => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const current = (): Notebook | null => {
      const panel = tracker.currentWidget;
      return panel && panel === app.shell.currentWidget ? panel.content : null;
    };

    app.commands.addCommand(CommandIDs.newAgentCell, {
      label: trans.__('MetaClaw: New agent cell'),
      caption: trans.__('Insert a %1 cell below the active cell', CELL_MAGIC),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => current() !== null,
      execute: () => {
        const notebook = current();
        if (notebook) {
          insertBelow(notebook);
        }
      }
    });
    tracker.currentChanged.connect(() => {
      app.commands.notifyCommandChanged(CommandIDs.newAgentCell);
    });
    palette?.addItem({
      command: CommandIDs.newAgentCell,
      category: trans.__('MetaClaw')
    });

    return { matches: isAgentCell, insertBelow };
  }
};
