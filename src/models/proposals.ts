import type {
  ISharedCell,
  ISharedNotebook,
  NotebookChange
} from '@jupyter/ydoc';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { isAgentCell } from './agentCell';
import { indexOfCell, isCodeCell } from './cellState';
import { fixedCell } from './fix';
import { type IEntry, Journal, type Outcome } from './journal';
import { type IMark, markKey } from './mark';
import { type IProposal, proposalIn } from './proposal';
import { isProtected } from './protection';
import {
  type IProvenance,
  type ITaskStamp,
  PROVENANCE_KEY,
  proposedProvenance,
  type ProposalState,
  provenanceToJSON,
  UNKNOWN_STAMP
} from './provenance';
import type { Rejections } from './rejections';
import { documentOf, replacesAll } from './sharedDocument';
import { type ITaskFacts, tasksIn } from './taskFacts';

/** The agent's proposals in one notebook, and what is done with them. */
export class Proposals implements IDisposable {
  constructor(
    private readonly _notebook: ISharedNotebook,
    private readonly _rejections: Rejections
  ) {
    this.journal = new Journal(_notebook);
    this._open = this._undecided();
    this._count = _notebook.cells.length;
    _notebook.changed.connect(this._onChanged);
    documentOf(_notebook)?.on('beforeObserverCalls', this._onTransaction);
  }

  readonly journal: Journal;

  /** A proposal is there that was not, or was decided on. Told after each change of the notebook's cells. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A proposal came while the notebook was open. */
  get came(): ISignal<this, IProposal> {
    return this._came;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** What a cell is as a proposal. */
  get(id: string): IProposal | null {
    const cell = this._cell(id);
    return cell ? proposalIn(cell) : null;
  }

  /** All proposals that wait for a decision, from the top. */
  get waiting(): IProposal[] {
    return this._notebook.cells.flatMap(cell => {
      const proposal = proposalIn(cell);
      return proposal?.state === 'proposed' ? [proposal] : [];
    });
  }

  /** The cell that a proposal would change; null where it stands for itself, or that cell is gone. */
  target(proposal: IProposal): ISharedCell | null {
    const id = proposal.provenance
      ? proposal.provenance.target
      : this._targetOf(proposal.cell);
    return (id === null ? null : this._cell(id)) ?? null;
  }

  /** Whether accepting it would change or run what is protected. */
  isBarred(proposal: IProposal): boolean {
    const target = this.target(proposal);
    return (
      proposal.protected ||
      (target !== null && isProtected(target.getMetadata()))
    );
  }

  /**
   * Keep a proposal: as a cell of its own, or as the text of the cell that it
   * is for. `running`: that cell is run next, which belongs to it. Null where
   * there is nothing to accept, or it must not be.
   */
  accept(id: string, running = false): IEntry | null {
    const proposal = this._decidable(id);
    if (!proposal) {
      return null;
    }
    const target = this.target(proposal);
    const entry = target
      ? this._apply(proposal, target, running)
      : this._accept(proposal, running);
    if (running) {
      this._runs(entry, target?.getId() ?? id);
    }
    this._look();
    return entry;
  }

  /** A cell begins to run: that accepts the proposal in it, whoever runs it. Null where there is none that waits. */
  runs(id: string): IEntry | null {
    const proposal = this.get(id);
    if (proposal?.state !== 'proposed' || proposal.protected) {
      return null;
    }
    const entry = this._accept(proposal, true);
    this._runs(entry, id);
    this._look();
    return entry;
  }

  /** A cell has run, or will never come to its end. */
  ran(id: string): void {
    const running = this._running.get(id);
    if (running) {
      this._running.delete(id);
      this.journal.end(running.entry);
      this._changed.emit();
    }
  }

  /** The kernel is gone, and with it whatever ran. */
  stopped(): void {
    for (const id of [...this._running.keys()]) {
      this.ran(id);
    }
  }

  /** Turn a proposal down: nothing of it stays. Null where there is none, or it must not be. */
  reject(id: string, reason = ''): IEntry | null {
    const proposal = this.get(id);
    if (proposal?.state !== 'proposed' || proposal.protected) {
      return null;
    }
    const entry = this.journal.record('reject', proposal.mark, [id], () => {
      this._notebook.deleteCell(indexOfCell(this._notebook, id));
    });
    if (reason) {
      this._rejections.hold(proposal.mark, reason);
    }
    return entry;
  }

  undo(number?: number, force = false): Outcome {
    const outcome = this.journal.undo(number, force);
    this._look();
    return outcome;
  }

  redo(number?: number, force = false): Outcome {
    const outcome = this.journal.redo(number, force);
    this._look();
    return outcome;
  }

  /** The task that a cell's output tells of, or that its code was proposed for. */
  taskOf(id: string): string | null {
    const cell = this._cell(id);
    if (!isCodeCell(cell)) {
      return null;
    }
    const told = tasksIn(cell.getOutputs()).at(-1);
    return told?.trajectory ?? proposalIn(cell)?.mark.trajectory ?? null;
  }

  /** What outputs in this notebook tell of a task. */
  facts(trajectory: string): ITaskFacts | null {
    for (const cell of [...this._notebook.cells].reverse()) {
      const told = isCodeCell(cell) ? tasksIn(cell.getOutputs()) : [];
      const found = told.find(task => task.trajectory === trajectory);
      if (found) {
        return found;
      }
    }
    return null;
  }

  /** Look for what has been told since of the proposals that wait. */
  refresh(): void {
    for (const proposal of this.waiting) {
      if (proposal.provenance?.generation === null && !proposal.protected) {
        this._write(proposal, 'proposed');
      }
    }
    this._changed.emit();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._notebook.changed.disconnect(this._onChanged);
    documentOf(this._notebook)?.off('beforeObserverCalls', this._onTransaction);
    Signal.clearData(this);
  }

  private _accept(proposal: IProposal, running: boolean): IEntry {
    return this.journal.record(
      running ? 'run' : 'accept',
      proposal.mark,
      [proposal.cell],
      () => {
        this._write(proposal, 'accepted');
      },
      running
    );
  }

  private _apply(
    proposal: IProposal,
    target: ISharedCell,
    running: boolean
  ): IEntry {
    const id = target.getId();
    const source = this._cell(proposal.cell)?.getSource() ?? '';
    const provenance = this._provenance(proposal, 'accepted');
    return this.journal.record(
      'apply',
      proposal.mark,
      [proposal.cell, id],
      () => {
        target.setSource(source);
        target.setMetadata(PROVENANCE_KEY, provenanceToJSON(provenance));
        this._notebook.deleteCell(indexOfCell(this._notebook, proposal.cell));
      },
      running
    );
  }

  private _runs(entry: IEntry, id: string): void {
    this.ran(id);
    this._running.set(id, { entry, cell: this._cell(id) });
  }

  private _decidable(id: string): IProposal | null {
    const proposal = this.get(id);
    return proposal?.state === 'proposed' && !this.isBarred(proposal)
      ? proposal
      : null;
  }

  private _write(proposal: IProposal, state: ProposalState): void {
    const cell = this._cell(proposal.cell);
    const json = provenanceToJSON(this._provenance(proposal, state));
    this._notebook.transact(() => {
      cell?.setMetadata(PROVENANCE_KEY, json);
    }, false);
  }

  private _provenance(proposal: IProposal, state: ProposalState): IProvenance {
    const facts = this.facts(proposal.mark.trajectory);
    const told = proposal.provenance;
    const stamp: ITaskStamp =
      told && (told.generation !== null || !facts)
        ? told
        : (facts ?? UNKNOWN_STAMP);
    const begun =
      told ??
      proposedProvenance(
        proposal.mark,
        this._cell(proposal.cell)?.getSource() ?? '',
        stamp,
        this._targetOf(proposal.cell)
      );
    const { skills, generation, adapter } = stamp;
    return { ...begun, skills, generation, adapter, state };
  }

  /** The cell that the task over a new proposal asked to be mended. */
  private _targetOf(id: string): string | null {
    const cells = this._notebook.cells;
    for (let index = indexOfCell(this._notebook, id) - 1; index >= 0; index--) {
      const cell = cells[index];
      if (cell && isAgentCell(cell.getSource())) {
        const target = fixedCell(cell.getMetadata());
        return target !== null && this._cell(target) ? target : null;
      }
    }
    return null;
  }

  private _cell(id: string): ISharedCell | undefined {
    return this._notebook.cells[indexOfCell(this._notebook, id)];
  }

  private _undecided(): Map<string, IMark> {
    return new Map(
      this.waiting.map(({ mark }): [string, IMark] => [markKey(mark), mark])
    );
  }

  /** What waits is another since something was decided on. */
  private _look(): void {
    this._open = this._undecided();
    this._changed.emit();
  }

  private readonly _onTransaction = (transaction: { local: boolean }): void => {
    this._local = transaction.local;
  };

  private readonly _onChanged = (
    _: ISharedNotebook,
    change: NotebookChange
  ): void => {
    if (!change.cellsChange) {
      return;
    }
    const reloaded = replacesAll(change.cellsChange, this._count);
    this._count = this._notebook.cells.length;
    const there = new Set<string>();
    const here = new Map<string, IProposal>();
    for (const cell of this._notebook.cells) {
      const proposal = proposalIn(cell);
      if (proposal) {
        const key = markKey(proposal.mark);
        there.add(key);
        if (proposal.state === 'proposed') {
          here.set(key, proposal);
        }
        this._rejections.withdraw(proposal.mark);
      }
    }
    const before = this._open;
    this._open = new Map([...here].map(([key, { mark }]) => [key, mark]));
    if (this._local && !reloaded) {
      for (const [key, mark] of before) {
        if (!there.has(key)) {
          this._rejections.hold(mark);
        }
      }
    }
    for (const [id, { cell }] of this._running) {
      // Deleted, or moved: what it would show goes to the cell that is no more.
      if (this._cell(id) !== cell) {
        this.ran(id);
      }
    }
    this._welcome([...here.values()], before, reloaded);
    this._changed.emit();
  };

  /** Take down whence the proposals come that were not there before. */
  private _welcome(
    proposals: readonly IProposal[],
    before: ReadonlyMap<string, IMark>,
    reloaded: boolean
  ): void {
    if (!this._local || reloaded) {
      return;
    }
    for (const proposal of proposals) {
      if (!before.has(markKey(proposal.mark))) {
        if (!proposal.provenance) {
          this._write(proposal, 'proposed');
        }
        this._came.emit(this.get(proposal.cell) ?? proposal);
      }
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _came = new Signal<this, IProposal>(this);
  private readonly _running = new Map<
    string,
    { entry: IEntry; cell: ISharedCell | undefined }
  >();
  private _open: Map<string, IMark>;
  private _count: number;
  private _local = true;
  private _isDisposed = false;
}
