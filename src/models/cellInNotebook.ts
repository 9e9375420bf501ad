import { NotebookPanel } from '@jupyterlab/notebook';

/**
 * Have a cell of an opened document seen, and make it the active one. By its
 * fragment alone a notebook would scroll before it is laid out, to nowhere.
 */
export async function showCell(opened: unknown, cell: string): Promise<void> {
  if (opened instanceof NotebookPanel) {
    await opened.revealed;
    const { content } = opened;
    const index = content.widgets.findIndex(({ model }) => model.id === cell);
    if (index >= 0) {
      content.activeCellIndex = index;
      content.deselectAll();
      await content.scrollToItem(index, 'center');
    }
  } else if (hasFragments(opened)) {
    opened.setFragment(`#cell-id=${cell}`);
  }
}

interface IHasFragments {
  setFragment: (fragment: string) => void;
}

/** A document that can be opened at a place in it. */
function hasFragments(opened: unknown): opened is IHasFragments {
  return (
    typeof opened === 'object' && opened !== null && 'setFragment' in opened
  );
}
