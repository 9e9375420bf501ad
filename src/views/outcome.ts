import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Refused } from '../api/failure';
import type { IOutcome } from '../models/steering';

const UNDO_MS = 12_000;

/** Say what came of an act in a notification, which holds its undo; or why it came to nothing. Never rejects. */
export async function tellOutcome(
  asked: Promise<IOutcome>,
  trans: TranslationBundle
): Promise<void> {
  try {
    const { told, undo } = await asked;
    Notification.success(told, {
      autoClose: UNDO_MS,
      actions: undo
        ? [
            {
              label: trans.__('Undo'),
              callback: () => {
                void tellOutcome(undo(), trans);
              }
            }
          ]
        : []
    });
  } catch (error) {
    Notification.error(inWords(error), { autoClose: UNDO_MS });
  }
}

/** What went wrong, and the next step. */
export function inWords(error: unknown): string {
  if (error instanceof Refused) {
    return `${error.message} ${error.nextStep}`.trim();
  }
  return error instanceof Error ? error.message : String(error);
}
