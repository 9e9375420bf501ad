import { unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import {
  editorSetup,
  type IEditor,
  type IOpenEditor,
  opened
} from './editorSetup';

/** So long may be looked for the shortest way from one text to another. */
const DIFFERENCE_MS = 100;

export interface IComparison extends IEditor {
  before: string;
  /** What the buttons are called that take a part of the text before, and that keep it as it is edited. */
  controls?: { take: string; keep: string } | undefined;
}

/** Show how a text differs from the one before; where it is edited, parts of that can be taken over. */
export function openComparison(comparison: IComparison): IOpenEditor {
  const { host, text, before, controls } = comparison;
  return opened(
    new EditorView({
      parent: host,
      state: EditorState.create({
        doc: text,
        extensions: [
          editorSetup(comparison),
          unifiedMergeView({
            original: before,
            mergeControls: controls
              ? (type, act) =>
                  button(type === 'reject' ? controls.take : controls.keep, act)
              : false,
            gutter: true,
            collapseUnchanged: { margin: 3, minSize: 6 },
            diffConfig: { scanLimit: 500, timeout: DIFFERENCE_MS }
          })
        ]
      })
    })
  );
}

function button(label: string, act: (event: MouseEvent) => void): HTMLElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'mc-button mc-part';
  made.textContent = label;
  // The editor would take the focus on the way.
  made.onmousedown = event => {
    event.preventDefault();
  };
  made.onclick = act;
  return made;
}
