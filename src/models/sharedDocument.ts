import type { ISharedNotebook, NotebookChange } from '@jupyter/ydoc';

/** Whether another version was read from the disk: all cells gone, and others come, at once. */
export function replacesAll(
  delta: NonNullable<NotebookChange['cellsChange']>,
  before: number
): boolean {
  const sum = (of: (part: (typeof delta)[number]) => number): number =>
    delta.reduce((total, part) => total + of(part), 0);
  return (
    before > 0 &&
    sum(part => part.insert?.length ?? 0) > 0 &&
    sum(part => part.delete ?? 0) >= before
  );
}

type Listener = (transaction: { local: boolean }) => void;

export interface IDocument {
  readonly on: (event: string, listener: Listener) => void;
  readonly off: (event: string, listener: Listener) => void;
}

/** The document under the notebook, which tells who made a change; not every implementation has one. */
export function documentOf(notebook: ISharedNotebook): IDocument | undefined {
  return (notebook as { ydoc?: IDocument }).ydoc;
}
