import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import {
  INotebookTracker,
  type Notebook,
  NotebookActions
} from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { Refused } from '../api/failure';
import { isAgentCell } from '../models/agentCell';
import { indexOfCell, isCodeCell } from '../models/cellState';
import { correctionIn, reasonFor } from '../models/correction';
import type { IOpenNotebook } from '../models/desk';
import { errorIn, fixMetadata, fixTask } from '../models/fix';
import { Runs } from '../models/runs';
import type { Word } from '../models/said';
import { CommandIDs } from '../tokens';
import { askReason } from '../views/reasonDialog';
import { IProposalDesk, ProposalCommands } from './proposalTokens';

/** What can be done with a cell beyond proposals: mend it, learn from it, judge its task, ask why. */
export const cellActions: JupyterFrontEndPlugin<void> = {
  id: 'metaclaw-jlab:cell-actions',
  description:
    'Mends failed cells, learns from corrected ones, and tells why a task went as it did.',
  autoStart: true,
  requires: [INotebookTracker, IProposalDesk],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    home: IProposalDesk,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const actions = new CellActions(home, app.commands, trans);
    const current = (): IOpenNotebook | null => {
      const panel = tracker.currentWidget;
      return panel && panel === app.shell.currentWidget
        ? home.desk.of(panel.content)
        : null;
    };
    actions.register(current);
    const { good, bad, fix, learnFrom, why } = ProposalCommands;
    for (const command of [fix, learnFrom, why, good, bad]) {
      palette?.addItem({ command, category: trans.__('MetaClaw') });
    }
    // The buttons in a cell's toolbar come and go with what the cell is.
    const look = (): void => {
      for (const id of [fix, learnFrom]) {
        app.commands.notifyCommandChanged(id);
      }
    };
    tracker.activeCellChanged.connect(look);
    NotebookActions.executed.connect(look);
  }
};

/** An open notebook and one of its cells. */
interface IPlace {
  open: IOpenNotebook;
  cell: string;
}

class CellActions {
  constructor(
    private readonly _home: IProposalDesk,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    NotebookActions.executed.connect((_, { notebook, cell }) => {
      const shared = cell.isDisposed ? undefined : cell.model.sharedModel;
      if (isCodeCell(shared)) {
        this._runsOf(notebook).ran(
          shared.getId(),
          shared.getSource(),
          shared.execution_count
        );
      }
    });
    _home.desk.opened.connect((_, { panel, notebook }) => {
      panel.sessionContext.statusChanged.connect((_, status) => {
        if (status === 'restarting' || status === 'autorestarting') {
          this._runsOf(notebook).forget();
        }
      });
      panel.sessionContext.kernelChanged.connect(() => {
        this._runsOf(notebook).forget();
      });
    });
  }

  register(current: () => IOpenNotebook | null): void {
    const trans = this._trans;
    this._add(
      ProposalCommands.fix,
      trans.__('Fix with MetaClaw'),
      trans.__('Ask the agent to mend the failed cell'),
      current,
      place => this._failed(place),
      place => {
        this._fix(place);
      }
    );
    this._add(
      ProposalCommands.learnFrom,
      trans.__('Learn from this'),
      trans.__('Let the agent learn from your correction'),
      current,
      ({ open, cell }) => correctionIn(open.notebook.model?.sharedModel, cell),
      place => this._learnFrom(place)
    );
    this._add(
      ProposalCommands.why,
      trans.__('MetaClaw: Why this answer, for the cell'),
      trans.__('Tell why the task of the cell went as it did'),
      current,
      ({ open, cell }) => open.proposals.taskOf(cell),
      ({ open, cell }) => {
        whyTask(this._commands, open.proposals.taskOf(cell) ?? '', trans);
      }
    );
    for (const [id, label, word] of [
      [ProposalCommands.good, trans.__('MetaClaw: Done right'), 'good'],
      [ProposalCommands.bad, trans.__('MetaClaw: Not done right'), 'bad']
    ] as const) {
      this._add(
        id,
        label,
        trans.__('Tell the agent how it did the task of the cell'),
        current,
        ({ open, cell }) => open.proposals.taskOf(cell),
        ({ open, cell }) => this._judge(open.proposals.taskOf(cell) ?? '', word)
      );
    }
  }

  private _add(
    id: string,
    label: string,
    caption: string,
    current: () => IOpenNotebook | null,
    offers: (place: IPlace) => unknown,
    act: (place: IPlace) => void | Promise<void>
  ): void {
    const place = (given: unknown): IPlace | null => {
      const open = current();
      const cell =
        typeof given === 'string' ? given : open?.notebook.activeCell?.model.id;
      const found = open && cell !== undefined ? { open, cell } : null;
      return found && offers(found) ? found : null;
    };
    this._commands.addCommand(id, {
      label,
      caption,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            cell: {
              type: 'string',
              description: this._trans.__(
                'The id of a cell in the current notebook; else the active one.'
              )
            }
          }
        }
      },
      isEnabled: ({ cell }) => place(cell) !== null,
      isVisible: ({ cell }) => place(cell) !== null,
      execute: async ({ cell }) => {
        const found = place(cell);
        if (found) {
          await act(found);
        }
      }
    });
  }

  /** Whether a cell is the user's, or a proposal that was run, and has failed. */
  private _failed({ open, cell }: IPlace): boolean {
    const notebook = open.notebook.model?.sharedModel;
    const shared = notebook?.cells[indexOfCell(notebook, cell)];
    return (
      isCodeCell(shared) &&
      !isAgentCell(shared.getSource()) &&
      errorIn(shared.getOutputs()) !== null &&
      open.notebook.model?.readOnly === false
    );
  }

  /** Put a task under a failed cell that asks for it to be mended, and run it. */
  private _fix({ open, cell }: IPlace): void {
    const { notebook, panel } = open;
    const shared = notebook.model?.sharedModel;
    const index = shared ? indexOfCell(shared, cell) : -1;
    const failed = shared?.cells[index];
    if (!isCodeCell(failed)) {
      return;
    }
    const source = failed.getSource();
    const task = fixTask({
      id: cell,
      source,
      outputs: failed.getOutputs(),
      ran: this._runsOf(notebook).known(cell, source)
    });
    shared?.insertCell(index + 1, {
      cell_type: 'code',
      source: task,
      metadata: { ...fixMetadata(cell), trusted: true }
    });
    notebook.deselectAll();
    notebook.activeCellIndex = index + 1;
    notebook.mode = 'command';
    void NotebookActions.run(notebook, panel.sessionContext);
  }

  private async _learnFrom({ open, cell }: IPlace): Promise<void> {
    const trans = this._trans;
    const shared = open.notebook.model?.sharedModel;
    const correction = correctionIn(shared, cell);
    if (!correction) {
      return;
    }
    const { trajectory, step } = correction.mark;
    const edit = correction.edited
      ? await this._home.said.editOf(trajectory, step).catch(() => [])
      : [];
    const reason = await askReason(
      {
        title: trans.__('What was wrong?'),
        label: trans.__('What was wrong'),
        explanation: trans.__(
          'The agent learns from it. A sentence that says the rule is best; your correction is below.'
        ),
        accept: trans.__('Learn from this'),
        text: reasonFor(correction, edit)
      },
      trans
    );
    if (reason !== null) {
      await this._say(trajectory, 'bad', reason);
    }
  }

  private async _judge(trajectory: string, word: Word): Promise<void> {
    const trans = this._trans;
    const reason =
      word === 'good'
        ? ''
        : await askReason(
            {
              title: trans.__('What was wrong?'),
              label: trans.__('What was wrong'),
              explanation: trans.__('It is learnt from; you may leave it out.'),
              accept: trans.__('Send'),
              text: ''
            },
            trans
          );
    if (reason !== null) {
      await this._say(trajectory, word, reason);
    }
  }

  private async _say(
    trajectory: string,
    word: Word,
    reason: string
  ): Promise<void> {
    try {
      const told = await this._home.said.say(trajectory, word, reason);
      Notification.success(told, {
        autoClose: 5000,
        actions: [
          {
            label: this._trans.__('Undo'),
            callback: () => {
              this._home.said.takeBack(trajectory).catch(tell);
            }
          }
        ]
      });
    } catch (error) {
      tell(error);
    }
  }

  private _runsOf(notebook: Notebook): Runs {
    const runs = this._runs.get(notebook) ?? new Runs();
    this._runs.set(notebook, runs);
    return runs;
  }

  private readonly _runs = new WeakMap<Notebook, Runs>();
}

/** Open the trace of a task where there is a place for it, and say how to see it where there is none. */
export function whyTask(
  commands: CommandRegistry,
  trajectory: string,
  trans: TranslationBundle
): void {
  if (commands.hasCommand(CommandIDs.showTask)) {
    void commands.execute(CommandIDs.showTask, { id: trajectory });
  } else {
    Notification.info(
      trans.__('Run %1 to see why.', `%metaclaw why ${trajectory}`)
    );
  }
}

/** Say what went wrong, and what to do about it. */
export function tell(error: unknown): void {
  const told = error instanceof Error ? error.message : String(error);
  const next = error instanceof Refused ? ` ${error.nextStep}` : '';
  Notification.error(told + next, { autoClose: 8000 });
}
