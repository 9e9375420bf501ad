import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { tellAtOnce } from '../api/rejection';
import { Desk, type IOpenNotebook } from '../models/desk';
import { Rejections } from '../models/rejections';
import { Said } from '../models/said';
import { IHome } from '../tokens';
import { CellBars } from '../views/cellBars';
import { LiveRegion } from '../views/liveRegion';
import {
  type IProposalActs,
  type IShown,
  ProposalBar
} from '../views/proposalBar';
import { followRuns, ProposalActs } from './proposalActs';
import { IProposalDesk, ProposalCommands } from './proposalTokens';
import { WhenceSetting } from './whenceSetting';

/** Proposals in notebooks: the bars over them, and what is done with them. */
export const proposals: JupyterFrontEndPlugin<IProposalDesk> = {
  id: 'metaclaw-jlab:proposals',
  description:
    'Shows what the agent proposes, to be accepted, run, rejected and undone.',
  autoStart: true,
  provides: IProposalDesk,
  requires: [INotebookTracker, IHome],
  optional: [ISettingRegistry, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    { connection }: IHome,
    settings: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): IProposalDesk => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const said = new Said(connection);
    const rejections = new Rejections((rejection, closing) => {
      if (closing) {
        const { mark, reason } = rejection;
        const { serverSettings } = app.serviceManager;
        tellAtOnce(mark.trajectory, reason, serverSettings);
        return Promise.resolve(true);
      }
      return said.reject(rejection);
    });
    window.addEventListener('pagehide', () => {
      void rejections.flush(true);
    });
    const live = new LiveRegion();
    const desk = new Desk(tracker, rejections);
    const acts = new ProposalActs(live, trans);
    const whence = new WhenceSetting(settings, trans);

    const draw = (open: IOpenNotebook): void => {
      drawBars(open, acts, whence, app.commands, trans);
      open.proposals.came.connect(() => {
        live.say(trans.__('MetaClaw proposes a cell.'));
      });
    };
    followRuns(desk);
    desk.all.forEach(draw);
    desk.opened.connect((_, open) => {
      draw(open);
    });
    const current = (): IOpenNotebook | null => {
      const panel = tracker.currentWidget;
      return panel && panel === app.shell.currentWidget
        ? desk.of(panel.content)
        : null;
    };
    addCommands(app.commands, acts, current, trans);
    for (const command of [
      ProposalCommands.accept,
      ProposalCommands.acceptAndRun,
      ProposalCommands.reject,
      ProposalCommands.undo,
      ProposalCommands.redo
    ]) {
      palette?.addItem({ command, category: trans.__('MetaClaw') });
    }
    return { desk, said, live };
  }
};

/** A bar over each proposal of a notebook, for as long as it is open. */
function drawBars(
  open: IOpenNotebook,
  acts: ProposalActs,
  whence: WhenceSetting,
  commands: CommandRegistry,
  trans: TranslationBundle
): void {
  const { notebook, proposals } = open;
  const fromBar: IProposalActs = {
    accept: cell => {
      acts.accept(open, cell);
    },
    run: cell => {
      acts.run(open, cell);
    },
    reject: cell => {
      acts.reject(open, cell);
    },
    undo: cell => {
      void acts.undo(open, proposals.journal.lastOn(cell)?.number);
    },
    why: cell => {
      void commands.execute(ProposalCommands.why, { cell });
    },
    hide: () => {
      void whence.hide();
    }
  };
  const bars = new CellBars(
    notebook,
    (cell, of) =>
      new ProposalBar({
        changed: of.changed,
        look: () => shown(open, of.proposal(cell), whence.shown),
        acts: fromBar,
        trans
      })
  );
  const update = (): void => {
    bars.update();
  };
  proposals.changed.connect(update);
  proposals.journal.changed.connect(update);
  whence.changed.connect(update);
  const close = (): void => {
    bars.dispose();
    whence.changed.disconnect(update);
  };
  notebook.disposed.connect(close);
  notebook.modelChanged.connect(close);
}

/** What a bar shows; null where there is nothing to decide, and whence a cell came is not wanted. */
function shown(
  { proposals, notebook }: IOpenNotebook,
  proposal: ReturnType<CellBars['proposal']>,
  whence: boolean
): IShown | null {
  if (!proposal || (proposal.state !== 'proposed' && !whence)) {
    return null;
  }
  const waits = proposal.state === 'proposed';
  const target = waits ? proposals.target(proposal) : null;
  const cell = notebook.widgets.find(one => one.model.id === proposal.cell);
  const entry = proposals.journal.lastOn(proposal.cell);
  return {
    proposal,
    target: target?.getSource() ?? null,
    code: cell?.model.sharedModel.getSource() ?? '',
    barred:
      (waits && proposals.isBarred(proposal)) ||
      (notebook.model?.readOnly ?? true),
    undoable: entry !== undefined && !entry.running
  };
}

/** The commands that act on a cell of the notebook that is used. */
function addCommands(
  commands: CommandRegistry,
  acts: ProposalActs,
  current: () => IOpenNotebook | null,
  trans: TranslationBundle
): void {
  const args = {
    type: 'object',
    properties: {
      cell: {
        type: 'string',
        description: trans.__(
          'The id of a cell in the current notebook; else the active one.'
        )
      }
    }
  } as const;
  const onCell = (
    id: string,
    label: string,
    caption: string,
    act: (open: IOpenNotebook, cell: string) => void
  ): void => {
    const found = (
      given: unknown
    ): { open: IOpenNotebook; cell: string } | null => {
      const open = current();
      const cell =
        typeof given === 'string' ? given : open?.notebook.activeCell?.model.id;
      return open && cell !== undefined && acts.waiting(open, cell)
        ? { open, cell }
        : null;
    };
    commands.addCommand(id, {
      label,
      caption,
      describedBy: { args },
      isEnabled: ({ cell }) => found(cell) !== null,
      isVisible: ({ cell }) => found(cell) !== null,
      execute: ({ cell }) => {
        const one = found(cell);
        if (one) {
          act(one.open, one.cell);
        }
      }
    });
  };
  onCell(
    ProposalCommands.accept,
    trans.__('MetaClaw: Accept the proposal'),
    trans.__('Keep the proposed cell, or the change that it proposes'),
    (open, cell) => {
      acts.accept(open, cell);
    }
  );
  onCell(
    ProposalCommands.acceptAndRun,
    trans.__('MetaClaw: Accept the proposal and run it'),
    trans.__('Keep the proposed cell and run it'),
    (open, cell) => {
      acts.run(open, cell);
    }
  );
  onCell(
    ProposalCommands.reject,
    trans.__('MetaClaw: Reject the proposal'),
    trans.__('Take the proposed cell away'),
    (open, cell) => {
      acts.reject(open, cell);
    }
  );
  for (const [id, label, again] of [
    [ProposalCommands.undo, trans.__('MetaClaw: Undo'), false],
    [ProposalCommands.redo, trans.__('MetaClaw: Redo'), true]
  ] as const) {
    const entry = (): unknown => {
      const journal = current()?.proposals.journal;
      return again ? journal?.redoable : journal?.undoable;
    };
    commands.addCommand(id, {
      label,
      caption: again
        ? trans.__('Do again what was undone with a proposal')
        : trans.__('Undo the last thing that was done with a proposal'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => entry() !== undefined,
      execute: async () => {
        const open = current();
        if (open) {
          await (again ? acts.redo(open) : acts.undo(open));
        }
      }
    });
  }
}
