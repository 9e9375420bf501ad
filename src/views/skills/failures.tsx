import React, { type ReactElement, useEffect, useState } from 'react';
import type { LearntFrom } from '../../api/schema';
import { visible } from '../../models/hidden';
import { notebookName, notebookPath } from '../../models/notebookPath';
import { Ago } from '../ago';
import { useView } from '../context';
import { Name } from '../name';
import { NotebookLink } from '../notebookLink';

interface IFailures {
  failures: readonly LearntFrom[];
  /** How many there are in all. */
  count: number;
}

/** The tasks that failed, from which something was learnt: each leads to its cell and to why it failed. */
export function Failures({ failures, count }: IFailures): ReactElement {
  const { trans } = useView();
  const gone = useGone(failures);
  return (
    <>
      <ul className="mc-plain mc-failures">
        {failures.map((failure, index) => (
          <li key={index}>
            <Failure failure={failure} gone={gone} />
          </li>
        ))}
      </ul>
      {count > failures.length && (
        <p className="mc-quiet">
          {trans._n(
            'and one more failure',
            'and %1 more failures',
            count - failures.length,
            count - failures.length
          )}
        </p>
      )}
    </>
  );
}

interface IFailure {
  failure: LearntFrom;
  gone: ReadonlySet<string>;
}

function Failure({ failure, gone }: IFailure): ReactElement {
  const { navigation, trans } = useView();
  const { trajectory, said, task, at } = failure;
  return (
    <>
      <Place failure={failure} gone={gone} />{' '}
      {at !== null && (
        <span className="mc-quiet">
          <Ago at={at} />{' '}
        </span>
      )}
      {at !== null && (
        <button
          type="button"
          className="mc-link"
          onClick={() => {
            navigation.go('scores', trajectory);
          }}
        >
          {trans.__('why ›')}
        </button>
      )}
      {said.trim() !== '' && <q className="mc-said">{visible(said)}</q>}
      {task !== null && task.trim() !== '' && (
        <details className="mc-more">
          <summary>{trans.__('The task')}</summary>
          <pre dir="auto">{visible(task)}</pre>
        </details>
      )}
    </>
  );
}

function Place({ failure, gone }: IFailure): ReactElement {
  const { trans } = useView();
  const { notebook, cell_id: cell, at } = failure;
  if (at === null) {
    return (
      <span className="mc-quiet">
        {trans.__('A task that is not kept any more.')}
      </span>
    );
  }
  if (notebook !== null && gone.has(notebook)) {
    return (
      <span>
        <Name text={notebookName(notebook)} />{' '}
        <span className="mc-quiet">{trans.__('(deleted or moved)')}</span>
      </span>
    );
  }
  return <NotebookLink notebook={notebook} cell={cell} />;
}

/** The notebooks among those of failures that are not there any more. */
function useGone(failures: readonly LearntFrom[]): ReadonlySet<string> {
  const { connection, contents } = useView();
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set());
  const root = connection.health?.root;
  const names = [...new Set(failures.map(({ notebook }) => notebook))];
  const key = JSON.stringify(names);
  useEffect(() => {
    let left = false;
    const look = async (notebook: string): Promise<void> => {
      const path = notebookPath(notebook, root);
      if (path === null) {
        return;
      }
      try {
        await contents.get(path, { content: false });
      } catch (error) {
        if (!left && isNotFound(error)) {
          setGone(known => new Set(known).add(notebook));
        }
      }
    };
    for (const notebook of JSON.parse(key) as (string | null)[]) {
      if (notebook !== null) {
        void look(notebook);
      }
    }
    return () => {
      left = true;
    };
  }, [contents, root, key]);
  return gone;
}

function isNotFound(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'response' in error &&
    error.response instanceof Response &&
    error.response.status === 404
  );
}
