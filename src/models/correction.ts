import type { ISharedNotebook } from '@jupyter/ydoc';
import { isAgentCell } from './agentCell';
import { indexOfCell, isCodeCell } from './cellState';
import { errorIn } from './fix';
import { codeOf, type IMark } from './mark';
import { proposalIn } from './proposal';
import { tasksIn } from './taskFacts';

/** So much of a correction is put before the user. */
const CODE_CHARS = 1500;

/** A cell in which the user did what the agent should have done. */
export interface ICorrection {
  readonly mark: IMark;
  /** The code as it should be. */
  readonly code: string;
  /** Whether it is the proposal's own cell, edited; else the user's cell under a task that failed. */
  readonly edited: boolean;
}

/**
 * What a cell corrects: the proposal in it that was edited and run, or the
 * failed task right over it. Null where it corrects nothing.
 */
export function correctionIn(
  notebook: ISharedNotebook | undefined,
  id: string
): ICorrection | null {
  if (!notebook) {
    return null;
  }
  const index = indexOfCell(notebook, id);
  const cell = notebook.cells[index];
  if (!isCodeCell(cell)) {
    return null;
  }
  const source = cell.getSource();
  const proposal = proposalIn(cell);
  const code = codeOf(source);
  if (proposal) {
    const corrects = proposal.edited && cell.execution_count !== null;
    return corrects ? { mark: proposal.mark, code, edited: true } : null;
  }
  if (isAgentCell(source) || !code.trim() || errorIn(cell.outputs)) {
    return null;
  }
  for (let above = index - 1; above >= 0; above--) {
    const other = notebook.cells[above];
    if (!isCodeCell(other)) {
      continue;
    }
    const outputs = other.getOutputs();
    const task = tasksIn(outputs).at(-1);
    const agents = isAgentCell(other.getSource()) || proposalIn(other);
    if (!agents || !task || !errorIn(outputs)) {
      return null;
    }
    const step = proposalIn(other)?.mark.step ?? 1;
    return { mark: { trajectory: task.trajectory, step }, code, edited: false };
  }
  return null;
}

/** What was wrong, as a beginning for the user's own words. `edit` are the lines of a diff, where there is one. */
export function reasonFor(
  correction: ICorrection,
  edit: readonly string[]
): string {
  const told = edit.length > 0 ? edit.join('\n') : correction.code;
  return told.slice(0, CODE_CHARS);
}
