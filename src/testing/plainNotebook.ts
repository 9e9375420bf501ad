import type { ICell, IOutput } from '@jupyterlab/nbformat';
import {
  proposedProvenance,
  provenanceToJSON,
  UNKNOWN_STAMP
} from '../models/provenance';

/** A cell of the model: a value that is replaced and never changed. */
export interface IPlain {
  readonly id: string;
  readonly source: string;
  readonly ran: number | null;
  readonly state: 'proposed' | 'accepted' | null;
  readonly mark: string | null;
}

export type Part = 'source' | 'ran' | 'state';
export const PARTS: readonly Part[] = ['source', 'ran', 'state'];

export interface IPast {
  readonly id: string;
  readonly before: readonly IPlain[];
  readonly after: readonly IPlain[];
  readonly undone: boolean;
}

/** The notebook as it should be: a list of values, and whole lists of the past. */
export class PlainNotebook {
  cells: readonly IPlain[] = [];
  past: IPast[] = [];
  again: number[] = [];
  held = new Set<string>();

  find(id: string, cells = this.cells): IPlain | undefined {
    return cells.find(cell => cell.id === id);
  }

  insert(index: number, cell: IPlain): void {
    this.become([
      ...this.cells.slice(0, index),
      cell,
      ...this.cells.slice(index)
    ]);
  }

  replace(id: string, part: Partial<IPlain>): void {
    this.cells = this.cells.map(cell =>
      cell.id === id ? { ...cell, ...part } : cell
    );
  }

  /** Cells come, go or move: what vanishes undecided is turned down, here or by a peer who tells it. */
  become(cells: readonly IPlain[], local = true): void {
    const there = new Set(cells.map(cell => cell.mark));
    for (const { mark, state } of this.cells) {
      if (local && mark && state === 'proposed' && !there.has(mark)) {
        this.held.add(mark);
      }
    }
    this.held = new Set([...this.held].filter(mark => !there.has(mark)));
    this.cells = cells;
  }

  act(id: string, change: () => void): void {
    const before = this.cells;
    change();
    this.past.push({ id, before, after: this.cells, undone: false });
    this.again = [];
  }

  /** Bring one cell from how `from` has it to how `to` has it; whether that went. */
  private turn(
    id: string,
    from: readonly IPlain[],
    to: readonly IPlain[],
    force: boolean
  ): boolean {
    const [was, shall, now] = [from, to, this.cells].map(cells =>
      this.find(id, cells)
    );
    if (!shall) {
      const same = now && was && PARTS.every(part => now[part] === was[part]);
      if (now && !same && !force) {
        return false;
      }
      this.become(this.cells.filter(cell => cell.id !== id));
      return true;
    }
    if (!now) {
      if (was && !force) {
        return false;
      }
      this.insert(this.place(id, to), shall);
      return true;
    }
    const parts = PARTS.filter(
      part => (was ?? now)[part] !== shall[part] && now[part] !== shall[part]
    );
    const later = parts.some(part => now[part] !== (was ?? shall)[part]);
    if (later && !force) {
      return false;
    }
    this.replace(
      id,
      Object.fromEntries(parts.map(part => [part, shall[part]]))
    );
    return true;
  }

  /** Under the cell that was over it, else over the one that was under it. */
  private place(id: string, cells: readonly IPlain[]): number {
    const index = cells.findIndex(cell => cell.id === id);
    const at = (other: IPlain | undefined): number =>
      this.cells.findIndex(cell => cell.id === other?.id);
    const [above, below] = [at(cells[index - 1]), at(cells[index + 1])];
    return above >= 0
      ? above + 1
      : below >= 0
        ? below
        : Math.min(index, this.cells.length);
  }

  undo(number: number | undefined, force: boolean): void {
    const last = this.past.map(entry => entry.undone).lastIndexOf(false);
    const index = number ?? last;
    const entry = this.past[index];
    if (entry && !entry.undone) {
      if (this.turn(entry.id, entry.after, entry.before, force)) {
        this.past[index] = { ...entry, undone: true };
        this.again.push(index);
      }
    }
  }

  redo(number: number | undefined, force: boolean): void {
    const index = number ?? this.again.at(-1) ?? -1;
    const entry = this.past[index];
    if (entry?.undone) {
      if (this.turn(entry.id, entry.before, entry.after, force)) {
        this.past[index] = { ...entry, undone: false };
        this.again = this.again.filter(other => other !== index);
      }
    }
  }
}

export function outputsOf(ran: number | null): IOutput[] {
  return ran === null
    ? []
    : [{ output_type: 'stream', name: 'stdout', text: `run ${String(ran)}\n` }];
}

/** What the model says that the notebook is. */
export function expected(
  model: PlainNotebook,
  proposed: Map<string, string>
): ICell[] {
  return model.cells.map(cell => ({
    id: cell.id,
    cell_type: 'code',
    source: cell.source,
    metadata: cell.mark
      ? {
          metaclaw: provenanceToJSON({
            ...proposedProvenance(
              { trajectory: cell.mark, step: 1 },
              proposed.get(cell.mark) ?? '',
              UNKNOWN_STAMP,
              null
            ),
            state: cell.state ?? 'proposed'
          })
        }
      : {},
    outputs: outputsOf(cell.ran),
    execution_count: cell.ran
  }));
}
