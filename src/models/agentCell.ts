import type { ICellModel } from '@jupyterlab/cells';
import { CELL_MAGIC } from '../tokens';

/** GitHub-flavoured markdown, as JupyterLab's editor knows it: a task is prose. */
export const TASK_MIME_TYPE = 'text/x-ipythongfm';

const MAGIC_LINE = new RegExp(`^\\s*${CELL_MAGIC}(\\s|$)`);

export function isAgentCell(source: string): boolean {
  return MAGIC_LINE.test(source);
}

/**
 * Show a code cell as prose while it holds a task, and as code again afterwards.
 *
 * The notebook sets the MIME type of all its cells when the kernel's language
 * becomes known; what it asked for last is what a cell goes back to.
 */
export function highlightAsTask(cell: ICellModel): void {
  let codeMimeType =
    cell.mimeType === TASK_MIME_TYPE ? undefined : cell.mimeType;

  const update = (): void => {
    if (cell.mimeType !== TASK_MIME_TYPE) {
      codeMimeType = cell.mimeType;
    }
    if (isAgentCell(cell.sharedModel.getSource())) {
      cell.mimeType = TASK_MIME_TYPE;
    } else if (cell.mimeType === TASK_MIME_TYPE && codeMimeType) {
      cell.mimeType = codeMimeType;
    }
  };

  cell.contentChanged.connect(update);
  cell.mimeTypeChanged.connect(update);
  update();
}
