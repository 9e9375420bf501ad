import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

/** A field for some lines of the user's. */
class ReasonField extends Widget implements Dialog.IBodyWidget {
  constructor(text: string, label: string, explanation: string) {
    super();
    this.addClass('mc-reason-dialog');
    const told = document.createElement('p');
    told.id = 'mc-reason-explanation';
    told.textContent = explanation;
    this._field.value = text;
    this._field.rows = 8;
    this._field.maxLength = 4000;
    this._field.className = 'mc-reason-field';
    this._field.setAttribute('aria-label', label);
    this._field.setAttribute('aria-describedby', told.id);
    this.node.append(told, this._field);
  }

  getValue(): string {
    return this._field.value.trim();
  }

  private readonly _field = document.createElement('textarea');
}

interface IQuestion {
  title: string;
  label: string;
  explanation: string;
  accept: string;
  /** What the answer begins with. */
  text: string;
}

/** Ask what was wrong; null where the user would rather not say. */
export async function askReason(
  question: IQuestion,
  trans: TranslationBundle
): Promise<string | null> {
  const { title, label, explanation, accept, text } = question;
  const answer = await showDialog({
    title,
    body: new ReasonField(text, label, explanation),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: accept })
    ],
    focusNodeSelector: 'textarea'
  });
  return answer.button.accept ? (answer.value ?? '') : null;
}

/** Ask whether later work may be lost. */
export async function askToOverwrite(
  again: boolean,
  trans: TranslationBundle
): Promise<boolean> {
  const answer = await showDialog({
    title: trans.__('The cell was changed since'),
    body: again
      ? trans.__('Doing it again would put its changes over what is there now.')
      : trans.__('Undoing it would put back what was there before.') +
        ' ' +
        trans.__('What was changed since is lost.'),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep what is there') }),
      Dialog.warnButton({
        label: again ? trans.__('Do it again') : trans.__('Undo all the same')
      })
    ]
  });
  return answer.button.accept;
}
