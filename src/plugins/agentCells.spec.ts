import type { JupyterFrontEnd } from '@jupyterlab/application';
import {
  type INotebookTracker,
  type Notebook,
  NotebookModel,
  type NotebookPanel
} from '@jupyterlab/notebook';
import { NBTestUtils } from '@jupyterlab/notebook/lib/testutils';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { CommandIDs, type IAgentCells } from '../tokens';
import { agentCells } from './agentCells';

interface IStage {
  api: IAgentCells;
  commands: CommandRegistry;
  notebook: Notebook;
  palette: string[];
  shell: { currentWidget: unknown };
}

/** The little of JupyterLab that the plugin touches, around a real notebook. */
async function stage(): Promise<IStage> {
  const notebook = NBTestUtils.createNotebook();
  const model = new NotebookModel();
  model.sharedModel.insertCells(0, [
    { cell_type: 'code', source: 'first = 1' },
    { cell_type: 'code', source: 'last = 2' }
  ]);
  notebook.model = model;
  notebook.activeCellIndex = 0;

  const panel = { content: notebook } as unknown as NotebookPanel;
  const commands = new CommandRegistry();
  const shell = { currentWidget: panel as unknown };
  const palette: string[] = [];
  const tracker = {
    currentWidget: panel,
    currentChanged: new Signal({})
  } as unknown as INotebookTracker;
  const api = await agentCells.activate(
    { commands, shell } as unknown as JupyterFrontEnd,
    tracker,
    {
      addItem: (item: { command: string }) => palette.push(item.command)
    },
    null
  );
  return { api, commands, notebook, palette, shell };
}

function sources(notebook: Notebook): string[] {
  return notebook.widgets.map(cell => cell.model.sharedModel.getSource());
}

describe('MetaClaw: New agent cell', () => {
  it('is in the command palette', async () => {
    const { commands, palette } = await stage();
    expect(palette).toEqual([CommandIDs.newAgentCell]);
    expect(commands.label(CommandIDs.newAgentCell)).toBe(
      'MetaClaw: New agent cell'
    );
    expect(commands.caption(CommandIDs.newAgentCell)).toContain(
      'a %%metaclaw cell'
    );
  });

  it('inserts an agent cell below the active one', async () => {
    const { commands, notebook } = await stage();
    await commands.execute(CommandIDs.newAgentCell);
    expect(sources(notebook)).toEqual([
      'first = 1',
      '%%metaclaw\n',
      'last = 2'
    ]);
  });

  it('makes the new cell the one that is edited', async () => {
    const { commands, notebook } = await stage();
    await commands.execute(CommandIDs.newAgentCell);
    expect(notebook.activeCellIndex).toBe(1);
    expect(notebook.mode).toBe('edit');
  });

  it('inserts a code cell whatever kind the active one is', async () => {
    const { commands, notebook } = await stage();
    notebook.model?.sharedModel.insertCell(0, { cell_type: 'markdown' });
    notebook.activeCellIndex = 0;
    await commands.execute(CommandIDs.newAgentCell);
    expect(notebook.widgets[1]?.model.type).toBe('code');
  });

  it('is disabled while no notebook has the focus', async () => {
    const { commands, shell } = await stage();
    expect(commands.isEnabled(CommandIDs.newAgentCell)).toBe(true);
    shell.currentWidget = null;
    expect(commands.isEnabled(CommandIDs.newAgentCell)).toBe(false);
  });

  it('leaves a read-only notebook as it is', async () => {
    const { api, notebook } = await stage();
    if (notebook.model) {
      notebook.model.readOnly = true;
    }
    api.insertBelow(notebook);
    expect(sources(notebook)).toEqual(['first = 1', 'last = 2']);
  });
});
