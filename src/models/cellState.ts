import type {
  ISharedCell,
  ISharedCodeCell,
  ISharedNotebook
} from '@jupyter/ydoc';
import type { ICell, IOutput } from '@jupyterlab/nbformat';
import {
  JSONExt,
  type PartialJSONObject,
  type PartialJSONValue
} from '@lumino/coreutils';

/** A cell as it was, and where. */
export interface ICellState {
  readonly cell: ICell;
  /** The id of the cell over it; null for the first. */
  readonly above: string | null;
  /** The id of the cell under it; null for the last. */
  readonly below: string | null;
  readonly index: number;
}

/** A part of a cell that changes by itself: its source, its outputs, or one entry of its metadata. */
export type Field = 'source' | 'outputs' | `metadata:${string}`;

/** What the notebook itself writes, and nobody looks after. */
const VOLATILE: readonly Field[] = [
  'metadata:trusted',
  'metadata:execution',
  'metadata:collapsed',
  'metadata:scrolled',
  'metadata:jupyter'
];

export function isCodeCell(
  cell: ISharedCell | undefined
): cell is ISharedCodeCell {
  return cell?.cell_type === 'code';
}

export function indexOfCell(notebook: ISharedNotebook, id: string): number {
  return notebook.cells.findIndex(cell => cell.getId() === id);
}

/** A cell as it is now; null where there is none with this id. */
export function cellState(
  notebook: ISharedNotebook,
  id: string
): ICellState | null {
  const index = indexOfCell(notebook, id);
  const cell = notebook.cells[index];
  if (!cell) {
    return null;
  }
  return {
    cell: JSONExt.deepCopy(cell.toJSON()) as ICell,
    above: notebook.cells[index - 1]?.getId() ?? null,
    below: notebook.cells[index + 1]?.getId() ?? null,
    index
  };
}

/** A part of a cell, as JSON. */
export function fieldOf(
  cell: ICell,
  field: Field
): PartialJSONValue | undefined {
  switch (field) {
    case 'source':
      return cell.source;
    case 'outputs':
      return [cell['outputs'] ?? [], cell['execution_count'] ?? null];
    default:
      return (cell.metadata as PartialJSONObject)[
        field.slice('metadata:'.length)
      ];
  }
}

/** The parts in which two states of a cell differ. */
export function changedFields(one: ICell, other: ICell): Field[] {
  const keys = new Set([
    ...Object.keys(one.metadata),
    ...Object.keys(other.metadata)
  ]);
  const fields: Field[] = [
    'source',
    'outputs',
    ...[...keys].map((key): Field => `metadata:${key}`)
  ];
  return fields.filter(field => !sameField(one, other, field));
}

export function sameField(one: ICell, other: ICell, field: Field): boolean {
  const [first, second] = [fieldOf(one, field), fieldOf(other, field)];
  if (first === undefined || second === undefined) {
    return first === second;
  }
  return JSONExt.deepEqual(first, second);
}

/** Whether nobody would miss the difference between two values of this part. */
export function isVolatile(field: Field): boolean {
  return VOLATILE.includes(field);
}

/** Give a part of a cell the value that it has in `state`. */
export function restoreField(
  cell: ISharedCell,
  state: ICell,
  field: Field
): void {
  if (field === 'source') {
    cell.setSource(
      Array.isArray(state.source) ? state.source.join('') : state.source
    );
  } else if (field === 'outputs') {
    if (isCodeCell(cell)) {
      cell.setOutputs((state['outputs'] as IOutput[] | undefined) ?? []);
      cell.execution_count =
        (state['execution_count'] as number | null | undefined) ?? null;
    }
  } else {
    const key = field.slice('metadata:'.length);
    const value = fieldOf(state, field);
    if (value === undefined) {
      cell.deleteMetadata(key);
    } else {
      cell.setMetadata(key, value);
    }
  }
}

/** Put a cell back to where it was, as far as its neighbours are still there. */
export function reinsert(notebook: ISharedNotebook, state: ICellState): void {
  const above = state.above === null ? -1 : indexOfCell(notebook, state.above);
  const below = state.below === null ? -1 : indexOfCell(notebook, state.below);
  const index =
    above >= 0
      ? above + 1
      : below >= 0
        ? below
        : Math.min(state.index, notebook.cells.length);
  notebook.insertCell(index, JSONExt.deepCopy(state.cell));
}
