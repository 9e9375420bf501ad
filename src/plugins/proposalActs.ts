import { Notification } from '@jupyterlab/apputils';
import { type Notebook, NotebookActions } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Desk, IOpenNotebook } from '../models/desk';
import type { IEntry, Outcome } from '../models/journal';
import type { IProposal } from '../models/proposal';
import { HELD_MS } from '../models/rejections';
import { askToOverwrite } from '../views/reasonDialog';
import type { LiveRegion } from '../views/liveRegion';

/** What is done with proposals, and told to the user. */
export class ProposalActs {
  constructor(
    private readonly _live: LiveRegion,
    private readonly _trans: TranslationBundle
  ) {}

  /** The proposal in a cell that waits to be decided on; null where nothing may be done with it. */
  waiting(open: IOpenNotebook, cell: string): IProposal | null {
    const proposal = open.proposals.get(cell);
    return proposal?.state === 'proposed' ? proposal : null;
  }

  accept(open: IOpenNotebook, cell: string): void {
    const kept = this._acceptable(open, cell);
    const entry = kept && open.proposals.accept(cell);
    if (entry) {
      this._live.say(this._trans.__('Accepted.'));
      this._select(open.notebook, entry.cells.at(-1) ?? cell);
    }
  }

  /** Accept a proposal, and run the cell that it is in then. */
  run(open: IOpenNotebook, cell: string): void {
    const proposal = this._acceptable(open, cell);
    if (!proposal) {
      return;
    }
    // Running a cell accepts the proposal in it; only another cell has to take it first.
    const target = open.proposals.target(proposal);
    if (target && !open.proposals.accept(cell, true)) {
      return;
    }
    this._select(open.notebook, target?.getId() ?? cell);
    this._live.say(this._trans.__('Accepted. It runs.'));
    const { sessionContext } = open.panel;
    void NotebookActions.runAndAdvance(open.notebook, sessionContext);
  }

  reject(open: IOpenNotebook, cell: string): void {
    const proposal = this.waiting(open, cell);
    if (!proposal || this._isReadOnly(open)) {
      return;
    }
    const entry = open.proposals.reject(cell);
    if (!entry) {
      this._live.say(this._protectedSentence());
      return;
    }
    this._live.say(this._trans.__('Rejected.'));
    void NotebookActions.focusActiveCell(open.notebook);
    Notification.info(this._trans.__('MetaClaw: the proposal is gone.'), {
      autoClose: HELD_MS,
      actions: [
        {
          label: this._trans.__('Undo'),
          callback: () => {
            void this.undo(open, entry.number);
          }
        }
      ]
    });
  }

  /** Undo an act, the last one where none is named; over later work only where the user says so. */
  async undo(open: IOpenNotebook, number?: number): Promise<void> {
    await this._back(open, false, force => open.proposals.undo(number, force));
  }

  async redo(open: IOpenNotebook, number?: number): Promise<void> {
    await this._back(open, true, force => open.proposals.redo(number, force));
  }

  private async _back(
    open: IOpenNotebook,
    again: boolean,
    go: (force: boolean) => Outcome
  ): Promise<void> {
    if (open.proposals.isDisposed || this._isReadOnly(open)) {
      return;
    }
    let outcome = go(false);
    if (
      outcome.kind === 'changed' &&
      (await askToOverwrite(again, this._trans))
    ) {
      outcome = go(true);
    }
    if (outcome.kind === 'done') {
      this._live.say(this._sentence(outcome.entry, again));
      this._select(open.notebook, outcome.entry.cells[0] ?? '');
    } else if (outcome.kind === 'protected') {
      this._say(this._protectedSentence());
    } else if (outcome.kind === 'running') {
      this._say(
        this._trans.__('The cell still runs: stop it, or wait for its end.')
      );
    } else if (outcome.kind === 'nothing') {
      this._say(
        again
          ? this._trans.__('Nothing of MetaClaw’s to do again here.')
          : this._trans.__('Nothing of MetaClaw’s to undo here.')
      );
    }
  }

  private _sentence(entry: IEntry, again: boolean): string {
    const { act } = entry;
    if (again) {
      return act === 'reject'
        ? this._trans.__('Rejected again.')
        : this._trans.__('Accepted again.');
    }
    return act === 'reject'
      ? this._trans.__('The proposal is back.')
      : this._trans.__('Taken back: the proposal waits again.');
  }

  private _acceptable(open: IOpenNotebook, cell: string): IProposal | null {
    const proposal = this.waiting(open, cell);
    if (!proposal || this._isReadOnly(open)) {
      return null;
    }
    if (open.proposals.isBarred(proposal)) {
      this._say(this._protectedSentence());
      return null;
    }
    return proposal;
  }

  private _protectedSentence(): string {
    return this._trans.__(
      'The cell is protected (tag metaclaw-protect): MetaClaw leaves it as it is.'
    );
  }

  private _isReadOnly(open: IOpenNotebook): boolean {
    return open.notebook.model?.readOnly ?? true;
  }

  private _say(sentence: string): void {
    this._live.say(sentence);
    Notification.info(sentence, { autoClose: 5000 });
  }

  private _select(notebook: Notebook, id: string): void {
    const index = notebook.widgets.findIndex(cell => cell.model.id === id);
    if (index >= 0) {
      notebook.deselectAll();
      notebook.activeCellIndex = index;
    }
    notebook.mode = 'command';
    void NotebookActions.focusActiveCell(notebook);
  }
}

/** Let the desk know which cells run, whoever runs them. */
export function followRuns(desk: Desk): void {
  NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
    desk.of(notebook)?.proposals.runs(cell.model.id);
  });
  NotebookActions.executed.connect((_, { notebook, cell }) => {
    const proposals = desk.of(notebook)?.proposals;
    if (proposals && !cell.isDisposed) {
      proposals.ran(cell.model.id);
      proposals.refresh();
    }
  });
  desk.opened.connect((_, { panel, proposals }) => {
    panel.sessionContext.statusChanged.connect((_, status) => {
      if (
        ['restarting', 'autorestarting', 'terminating', 'dead'].includes(status)
      ) {
        proposals.stopped();
      }
    });
  });
}
