import { NotebookPanel } from '@jupyterlab/notebook';

/** Make a cell of an opened document the active one, and have it seen; false where there is no such cell. */
export async function showCell(
  opened: unknown,
  cell: string
): Promise<boolean> {
  if (!(opened instanceof NotebookPanel)) {
    return false;
  }
  await opened.revealed;
  const { content } = opened;
  const index = content.widgets.findIndex(({ model }) => model.id === cell);
  if (index < 0) {
    return false;
  }
  content.activeCellIndex = index;
  content.deselectAll();
  await content.scrollToItem(index, 'center');
  return true;
}
