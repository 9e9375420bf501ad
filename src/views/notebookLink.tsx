import React, { type ReactElement, useState } from 'react';
import { showCell } from '../models/cellInNotebook';
import { notebookName, notebookPath } from '../models/notebookPath';
import { useView } from './context';
import { useSignal } from './hooks';
import { Name } from './name';

interface INotebookLink {
  /** As it was recorded; null where it is not known. */
  notebook: string | null;
  cell?: string | null;
}

/** The notebook that something was asked in, and its cell: opens it where Jupyter shows it, and says where it is gone. */
export function NotebookLink({ notebook, cell }: INotebookLink): ReactElement {
  const { commands, connection, contents, trans } = useView();
  useSignal(connection.stateChanged);
  const [gone, setGone] = useState(false);
  if (!notebook) {
    return <>{trans.__('no notebook')}</>;
  }
  const path = notebookPath(notebook, connection.health?.root);
  if (path === null || gone) {
    return (
      <span>
        <Name text={notebookName(notebook)} />{' '}
        <span className="mc-quiet" role={gone ? 'status' : undefined}>
          {gone
            ? trans.__('(it is no longer there)')
            : trans.__('(outside of what Jupyter shows)')}
        </span>
      </span>
    );
  }
  const open = async (): Promise<void> => {
    try {
      await contents.get(path, { content: false });
    } catch {
      setGone(true);
      return;
    }
    const opened: unknown = await commands.execute('docmanager:open', { path });
    if (cell) {
      await showCell(opened, cell);
    }
  };
  return (
    <button
      type="button"
      className="mc-link"
      aria-label={notebookName(notebook)}
      title={trans.__('Open %1', path)}
      onClick={() => {
        void open();
      }}
    >
      <Name text={notebookName(notebook)} />
    </button>
  );
}
