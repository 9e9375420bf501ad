import { unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';

/** Show the way from one text to another in `host`; what is returned takes it away. */
export function showDifference(
  host: HTMLElement,
  before: string,
  after: string,
  label: string
): () => void {
  const view = new EditorView({
    parent: host,
    state: EditorState.create({
      doc: after,
      extensions: [
        jupyterTheme,
        EditorView.lineWrapping,
        EditorView.editable.of(false),
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of({
          'aria-label': label,
          tabindex: '0'
        }),
        unifiedMergeView({
          original: before,
          mergeControls: false,
          highlightChanges: true,
          gutter: true
        })
      ]
    })
  });
  return () => {
    view.destroy();
  };
}
