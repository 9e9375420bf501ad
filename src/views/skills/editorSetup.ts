import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, highlightSpecialChars, keymap } from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';
import { codePoint, HIDDEN } from '../../models/hidden';

/** A text that is shown, and may be written to where there is an `onChange`. */
export interface IEditor {
  host: HTMLElement;
  text: string;
  /** What the text is, for those who hear. */
  label: string;
  onChange?: ((text: string) => void) | undefined;
  onSave?: (() => void) | undefined;
}

/** An editor in the page, until it is disposed. */
export interface IOpenEditor {
  /** Have another text, unless it has it. */
  put: (text: string) => void;
  dispose: () => void;
}

/** How texts of skills are shown: nothing in them is hidden, and Tab leaves. */
export function editorSetup({ label, onChange, onSave }: IEditor): Extension {
  const shown = [
    jupyterTheme,
    EditorView.lineWrapping,
    EditorView.perLineTextDirection.of(true),
    EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
    highlightSpecialChars({ specialChars: HIDDEN, render: writtenOut })
  ];
  if (!onChange) {
    return [
      shown,
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ 'aria-readonly': 'true' })
    ];
  }
  const save = {
    key: 'Mod-s',
    preventDefault: true,
    run: () => {
      onSave?.();
      return true;
    }
  };
  return [
    shown,
    history(),
    keymap.of([save, ...historyKeymap, ...defaultKeymap]),
    // JupyterLab's own shortcuts, such as the one that saves a notebook, would come first.
    EditorView.editorAttributes.of({ 'data-lm-suppress-shortcuts': 'true' }),
    EditorView.updateListener.of(({ docChanged, state }) => {
      if (docChanged) {
        onChange(state.doc.toString());
      }
    })
  ];
}

/** Put an editor into the page. */
export function opened(view: EditorView): IOpenEditor {
  return {
    put: text => {
      const { doc } = view.state;
      if (doc.toString() !== text) {
        view.dispatch({ changes: { from: 0, to: doc.length, insert: text } });
      }
    },
    dispose: () => {
      view.destroy();
    }
  };
}

function writtenOut(code: number): HTMLElement {
  const shown = document.createElement('span');
  shown.className = 'mc-hidden-character';
  shown.textContent = codePoint(String.fromCodePoint(code));
  return shown;
}
