import type { ISharedNotebook } from '@jupyter/ydoc';
import type { IDisplayData, IOutput } from '@jupyterlab/nbformat';
import type { PartialJSONObject } from '@lumino/coreutils';
import { isCodeCell } from './cellState';
import { TASK_OUTPUT } from './taskFacts';

/** How the kernel marks an output that says what a task is doing. */
const UNDER_WAY = 'metaclaw_under_way';

/**
 * Have the outputs that say what a task is doing say `sentence` instead: their
 * kernel is gone, or went on where nobody listened. How many there were.
 */
export function endUnderWay(
  notebook: ISharedNotebook,
  sentence: string
): number {
  let found = 0;
  notebook.transact(() => {
    for (const cell of notebook.cells) {
      const outputs = isCodeCell(cell) ? cell.getOutputs() : [];
      if (isCodeCell(cell) && outputs.some(isUnderWay)) {
        found += 1;
        cell.setOutputs(
          outputs.map(output =>
            isUnderWay(output) ? ended(output, sentence) : output
          )
        );
      }
    }
  }, false);
  return found;
}

/** Whether an output of a notebook says what a task is doing. */
export function hasUnderWay(notebook: ISharedNotebook): boolean {
  return notebook.cells.some(
    cell => isCodeCell(cell) && cell.getOutputs().some(isUnderWay)
  );
}

function isUnderWay(output: IOutput): boolean {
  const metadata = output['metadata'] as PartialJSONObject | undefined;
  return (
    output.output_type === 'display_data' && metadata?.[UNDER_WAY] !== undefined
  );
}

function ended(output: IOutput, sentence: string): IDisplayData {
  const metadata = output['metadata'] as PartialJSONObject;
  const mark = metadata[UNDER_WAY] as PartialJSONObject | null;
  const trajectory = mark?.['trajectory'];
  const facts =
    typeof trajectory === 'string'
      ? { [TASK_OUTPUT]: { version: 1, trajectory, sentence } }
      : {};
  return {
    output_type: 'display_data',
    data: { 'text/plain': sentence, ...facts },
    metadata: {}
  };
}
