import type { Cell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { PanelLayout, Widget } from '@lumino/widgets';
import { type IProposal, proposalIn } from '../models/proposal';

/** How soon what is typed shows in the bars. */
const PAUSE_MS = 150;

const PROPOSED = 'mc-mod-proposed';

/** The bars over the cells of one notebook: one for each cell that the agent proposed. */
export class CellBars implements IDisposable {
  /** `make` gives the bar of a cell, which draws itself again at `changed`. */
  constructor(
    private readonly _notebook: Notebook,
    private readonly _make: (cell: Cell, bars: CellBars) => Widget
  ) {
    _notebook.modelContentChanged.connect(this._soon);
    this.update();
  }

  /** The bars are to be drawn again. */
  readonly changed = new Signal<this, void>(this);

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** What a cell is as a proposal, as it was looked at last. */
  proposal(cell: Cell): IProposal | null {
    return this._proposals.get(cell) ?? null;
  }

  /** Look at all cells again. */
  update(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    if (this._isDisposed || this._notebook.isDisposed) {
      return;
    }
    for (const cell of this._notebook.widgets) {
      this._look(cell);
    }
    this.changed.emit();
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._notebook.modelContentChanged.disconnect(this._soon);
    Signal.clearData(this);
  }

  private _look(cell: Cell): void {
    const proposal = cell.model.isDisposed
      ? null
      : proposalIn(cell.model.sharedModel);
    cell.toggleClass(PROPOSED, proposal?.state === 'proposed');
    if (!proposal) {
      this._proposals.delete(cell);
      return;
    }
    this._proposals.set(cell, proposal);
    if (!this._bars.has(cell)) {
      const bar = this._make(cell, this);
      this._bars.set(cell, bar);
      void cell.ready.then(() => {
        if (!cell.isDisposed && !this._isDisposed) {
          (cell.layout as PanelLayout).insertWidget(0, bar);
        }
      });
    }
  }

  private readonly _soon = (): void => {
    this._timer ??= setTimeout(() => {
      this.update();
    }, PAUSE_MS);
  };

  private readonly _bars = new WeakMap<Cell, Widget>();
  private readonly _proposals = new WeakMap<Cell, IProposal>();
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}
