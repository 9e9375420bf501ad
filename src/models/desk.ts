import type {
  INotebookTracker,
  Notebook,
  NotebookPanel
} from '@jupyterlab/notebook';
import { type ISignal, Signal } from '@lumino/signaling';
import { Proposals } from './proposals';
import type { Rejections } from './rejections';

/** A notebook that is open, and the agent's proposals in it. */
export interface IOpenNotebook {
  readonly panel: NotebookPanel;
  readonly notebook: Notebook;
  readonly proposals: Proposals;
}

/** The proposals in all notebooks that are open in the page. */
export class Desk {
  constructor(
    tracker: Pick<INotebookTracker, 'forEach' | 'widgetAdded'>,
    private readonly _rejections: Rejections
  ) {
    tracker.forEach(panel => {
      this._follow(panel);
    });
    tracker.widgetAdded.connect((_, panel) => {
      this._follow(panel);
    });
  }

  /** A notebook is there to be read. */
  get opened(): ISignal<this, IOpenNotebook> {
    return this._opened;
  }

  /** Those that are open now. */
  get all(): IOpenNotebook[] {
    return [...this._open.values()];
  }

  of(notebook: Notebook): IOpenNotebook | null {
    return this._open.get(notebook) ?? null;
  }

  private _follow(panel: NotebookPanel): void {
    const notebook = panel.content;
    const read = (): void => {
      this._close(notebook);
      if (notebook.model) {
        const { sharedModel } = notebook.model;
        const proposals = new Proposals(sharedModel, this._rejections);
        const open = { panel, notebook, proposals };
        this._open.set(notebook, open);
        this._opened.emit(open);
      }
    };
    notebook.modelChanged.connect(read);
    read();
    panel.disposed.connect(() => {
      this._close(notebook);
      void this._rejections.flush();
    });
  }

  private _close(notebook: Notebook): void {
    this._open.get(notebook)?.proposals.dispose();
    this._open.delete(notebook);
  }

  private readonly _open = new Map<Notebook, IOpenNotebook>();
  private readonly _opened = new Signal<this, IOpenNotebook>(this);
}
