import { Clipboard } from '@jupyterlab/apputils';
import React, { type ReactElement, useEffect, useState } from 'react';
import { placeOf } from '../models/doctor';
import { useView } from './context';

const SAID_MS = 2_000;

/** A command, where it is to be run, and a button that copies it. */
export function Copyable({ command }: { command: string }): ReactElement {
  const { trans } = useView();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => {
      setCopied(false);
    }, SAID_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [copied]);
  const place =
    placeOf(command) === 'notebook'
      ? trans.__('in a notebook cell')
      : trans.__('in a terminal');
  return (
    <div className="mc-copyable">
      <code className="mc-copyable-command">{command}</code>
      <button
        type="button"
        className="mc-button mc-copyable-button"
        title={trans.__('Copy, to run it %1', place)}
        aria-label={trans.__('Copy %1', command)}
        onClick={() => {
          Clipboard.copyToSystem(command);
          setCopied(true);
        }}
      >
        {copied ? trans.__('Copied') : trans.__('Copy')}
      </button>
      <span className="mc-quiet mc-copyable-place">{place}</span>
      <span className="mc-heard" role="status">
        {copied ? trans.__('Copied') : ''}
      </span>
    </div>
  );
}
