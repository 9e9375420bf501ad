import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import {
  editorSetup,
  type IEditor,
  type IOpenEditor,
  opened
} from './editorSetup';

/** Show a text, or have it edited. */
export function openEditor(editor: IEditor): IOpenEditor {
  return opened(
    new EditorView({
      parent: editor.host,
      state: EditorState.create({
        doc: editor.text,
        extensions: editorSetup(editor)
      })
    })
  );
}
