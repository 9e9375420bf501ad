import type { IError, IOutput } from '@jupyterlab/nbformat';
import type { PartialJSONObject } from '@lumino/coreutils';
import { CELL_MAGIC } from '../tokens';
import { codeOf } from './mark';
import { PROVENANCE_KEY } from './provenance';

/** A cell that has failed. */
export interface IFailedCell {
  readonly id: string;
  readonly source: string;
  readonly outputs: readonly IOutput[];
  /** The number under which the kernel knows what ran; null where it may know another by it now. */
  readonly ran: number | null;
}

/** The error that a cell ended with; null where it did not. */
export function errorIn(outputs: readonly IOutput[]): IError | null {
  const found = outputs.find(output => output.output_type === 'error');
  return (found as IError | undefined) ?? null;
}

/**
 * The task that asks for a failed cell to be mended. It refers to the cell
 * where the kernel knows it, and else has its text.
 */
export function fixTask(cell: IFailedCell): string {
  const error = errorIn(cell.outputs);
  const told = error ? plain(`${error.ename}: ${error.evalue}`) : 'an error';
  const ask = 'Reply with the whole cell, corrected.';
  return cell.ran !== null
    ? `${CELL_MAGIC}\nThe cell @In[${String(cell.ran)}] failed with ${told}\n${ask}`
    : `${CELL_MAGIC}\nThis cell failed with ${told}\n${ask}\n\n${codeOf(cell.source)}`;
}

/** What the metadata of such a task say: which cell it is for. */
export function fixMetadata(id: string): PartialJSONObject {
  return { [PROVENANCE_KEY]: { version: 1, fixes: id } };
}

/** The cell that a task asks to be mended; null where it asks for something else. */
export function fixedCell(metadata: PartialJSONObject): string | null {
  const json = metadata[PROVENANCE_KEY] as PartialJSONObject | null | undefined;
  const id = json?.['version'] === 1 ? json['fixes'] : null;
  return typeof id === 'string' ? id : null;
}

// eslint-disable-next-line no-control-regex -- terminals' colours are control characters
const COLOURS = /\u001b\[[0-9;]*m/g;

function plain(text: string): string {
  return text.replace(COLOURS, '').trim().slice(0, 500);
}
