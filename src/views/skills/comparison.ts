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
}

/** Show how a text differs from the one before; where it is edited, parts of that can be taken over. */
export function openComparison(comparison: IComparison): IOpenEditor {
  const { host, text, before, onChange } = comparison;
  return opened(
    new EditorView({
      parent: host,
      state: EditorState.create({
        doc: text,
        extensions: [
          editorSetup(comparison),
          unifiedMergeView({
            original: before,
            mergeControls: onChange !== undefined,
            gutter: true,
            collapseUnchanged: { margin: 3, minSize: 6 },
            diffConfig: { scanLimit: 500, timeout: DIFFERENCE_MS }
          })
        ]
      })
    })
  );
}
