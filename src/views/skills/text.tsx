import React, { type ReactElement, useEffect, useRef, useState } from 'react';
import { useView } from '../context';
import { Trouble } from '../notice';
import type { IComparison } from './comparison';
import type { IEditor, IOpenEditor } from './editorSetup';

type Shown = Omit<IEditor, 'host'>;

/** A text as it is written, editable where there is an `onChange`. Its editor is loaded with the first one. */
export function SourceText(shown: Shown): ReactElement {
  return (
    <Editor
      {...shown}
      open={async editor => {
        const { openEditor } = await import('./codeEditor');
        return openEditor(editor);
      }}
    />
  );
}

/** How a text differs from the one `before`; that view is loaded with the first one, too. */
export function Comparison({
  before,
  controls,
  ...shown
}: Shown & Pick<IComparison, 'before' | 'controls'>): ReactElement {
  return (
    <Editor
      key={before}
      {...shown}
      open={async editor => {
        const { openComparison } = await import('./comparison');
        return openComparison({ ...editor, before, controls });
      }}
    />
  );
}

type Loading = 'loading' | 'there' | Error;

function Editor({
  open,
  ...shown
}: Shown & {
  open: (editor: IEditor) => Promise<IOpenEditor>;
}): ReactElement {
  const { trans } = useView();
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<IOpenEditor>();
  // What was typed here comes back as `text`, later than the next key: it must not undo that one.
  const typed = useRef<string[]>([]);
  const latest = useRef(shown);
  latest.current = shown;
  const [loading, setLoading] = useState<Loading>('loading');
  const [tries, setTries] = useState(0);
  const isEditable = shown.onChange !== undefined;

  useEffect(() => {
    let gone = false;
    const place = host.current;
    const load = async (): Promise<void> => {
      if (!place) {
        return;
      }
      const { text, label, onChange } = latest.current;
      const asked: IEditor = {
        host: place,
        text,
        label,
        onChange:
          onChange &&
          (written => {
            typed.current.push(written);
            latest.current.onChange?.(written);
          }),
        onSave: () => latest.current.onSave?.()
      };
      const made = await open(asked);
      if (gone) {
        made.dispose();
        return;
      }
      made.put(latest.current.text);
      editor.current = made;
      setLoading('there');
    };
    load().catch((error: unknown) => {
      if (!gone) {
        setLoading(error instanceof Error ? error : new Error(String(error)));
      }
    });
    return () => {
      gone = true;
      editor.current?.dispose();
      editor.current = undefined;
    };
    // `open` depends on what the component is, or on what it has as its key.
  }, [isEditable, tries]);

  useEffect(() => {
    const at = typed.current.lastIndexOf(shown.text);
    if (at >= 0) {
      typed.current.splice(0, at + 1);
    } else {
      typed.current = [];
      editor.current?.put(shown.text);
    }
  }, [shown.text]);

  return (
    <>
      {loading === 'loading' && (
        <p className="mc-waiting" role="status">
          {trans.__('Loading…')}
        </p>
      )}
      {loading instanceof Error && (
        <>
          <Trouble error={loading} />
          <button
            type="button"
            className="mc-button"
            onClick={() => {
              setLoading('loading');
              setTries(tries + 1);
            }}
          >
            {trans.__('Load again')}
          </button>
        </>
      )}
      <div
        ref={host}
        className={isEditable ? 'mc-text mc-text-editable' : 'mc-text'}
      />
    </>
  );
}
