import type { JupyterFrontEnd } from '@jupyterlab/application';
import {
  type INotebookTracker,
  type Notebook,
  NotebookActions,
  NotebookModel,
  type NotebookPanel
} from '@jupyterlab/notebook';
import { NBTestUtils } from '@jupyterlab/notebook/lib/testutils';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { FakeServer } from '../testing/server';
import { proposals } from './proposals';
import { type IProposalDesk, ProposalCommands } from './proposalTokens';

const SOURCE = '# metaclaw:0a1b2c\nx = 1';
const PROTECT = { tags: ['metaclaw-protect'] };

describe('the commands for proposals', () => {
  let server: FakeServer;
  let commands: CommandRegistry;
  let notebook: Notebook;
  let desk: IProposalDesk;
  let disposed: Signal<object, void>;

  beforeEach(async () => {
    server = new FakeServer(() => ({ stop: null, steps: [] }));
    notebook = NBTestUtils.createNotebook();
    const model = new NotebookModel();
    model.sharedModel.insertCells(0, [
      { cell_type: 'code', source: 'first = 1' },
      { cell_type: 'code', source: '%%metaclaw\nSet x.' }
    ]);
    notebook.model = model;
    disposed = new Signal<object, void>({});
    const panel = {
      content: notebook,
      disposed,
      sessionContext: { statusChanged: new Signal({}) }
    } as unknown as NotebookPanel;
    const tracker = {
      currentWidget: panel,
      forEach: (visit: (panel: NotebookPanel) => void) => {
        visit(panel);
      },
      widgetAdded: new Signal({})
    } as unknown as INotebookTracker;
    commands = new CommandRegistry();
    desk = await proposals.activate(
      {
        commands,
        shell: { currentWidget: panel },
        serviceManager: {}
      } as unknown as JupyterFrontEnd,
      tracker,
      { connection: server.connection }
    );
    model.sharedModel.insertCell(2, {
      id: 'proposal',
      cell_type: 'code',
      source: SOURCE
    });
    notebook.activeCellIndex = 2;
  });

  afterEach(() => {
    disposed.emit();
    notebook.dispose();
    server.connection.dispose();
  });

  const sources = (): string[] =>
    notebook.widgets.map(cell => cell.model.sharedModel.getSource());
  const state = (): unknown =>
    desk.desk.of(notebook)?.proposals.get('proposal')?.state;

  it('mark the cell that waits', () => {
    expect(
      notebook.widgets.map(cell => cell.hasClass('mc-mod-proposed'))
    ).toEqual([false, false, true]);
  });

  it('say to those who hear the page that there is one', () => {
    const said = [...document.querySelectorAll('[role="status"]')].map(
      node => node.textContent
    );
    expect(said).toContain('MetaClaw proposes a cell.');
  });

  it('accept the active cell, undo that and do it again', async () => {
    await commands.execute(ProposalCommands.accept);
    expect(state()).toBe('accepted');
    await commands.execute(ProposalCommands.undo);
    expect(state()).toBe('proposed');
    await commands.execute(ProposalCommands.redo);
    expect(state()).toBe('accepted');
  });

  it('reject the cell that is named, whichever is active', async () => {
    notebook.activeCellIndex = 0;
    await commands.execute(ProposalCommands.reject, { cell: 'proposal' });
    expect(sources()).toEqual(['first = 1', '%%metaclaw\nSet x.']);
  });

  it('are there where there is something to do', async () => {
    const { accept, reject, undo, redo } = ProposalCommands;
    const enabled = (): boolean[] =>
      [accept, reject, undo, redo].map(id => commands.isEnabled(id));
    expect(enabled()).toEqual([true, true, false, false]);
    await commands.execute(accept);
    expect(enabled()).toEqual([false, false, true, false]);
    notebook.activeCellIndex = 0;
    await commands.execute(undo);
    expect(enabled()).toEqual([true, true, false, true]);
  });

  it('run the cell, and go on to the next one', async () => {
    const run = jest
      .spyOn(NotebookActions, 'runAndAdvance')
      .mockResolvedValue(true);
    await commands.execute(ProposalCommands.acceptAndRun);
    expect(run).toHaveBeenCalledTimes(1);
    expect(notebook.activeCell?.model.id).toBe('proposal');
    run.mockRestore();
  });

  it.each([ProposalCommands.accept, ProposalCommands.reject])(
    'leave a protected cell alone (%s)',
    async command => {
      notebook.widgets[2]?.model.sharedModel.setMetadata(PROTECT as never);
      await commands.execute(command);
      expect(state()).toBe('proposed');
      expect(sources()).toHaveLength(3);
    }
  );

  it('leave a read-only notebook alone', async () => {
    if (notebook.model) {
      notebook.model.readOnly = true;
    }
    await commands.execute(ProposalCommands.reject);
    expect(sources()).toHaveLength(3);
  });

  it('tell the task at once when the notebook is closed', async () => {
    await commands.execute(ProposalCommands.reject);
    expect(server.asked).toEqual([]);
    disposed.emit();
    await new Promise(resolve => setTimeout(resolve, 0));
    expect(server.asked.map(({ path }) => path)).toEqual(['/tasks/0a1b2c']);
  });
});
