import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Refused } from '../../api/failure';
import type { AdapterChanges } from '../../models/adapters';
import { HOLD_MS } from '../../models/adapters';
import type { Moved } from '../../api/schema';

/** Say what was done, with the way back where there is one. */
export function tellMoved(
  moved: Moved,
  changes: AdapterChanges,
  trans: TranslationBundle
): void {
  const { undo } = moved;
  Notification.success(moved.told, {
    autoClose: HOLD_MS,
    actions:
      undo === null
        ? []
        : [
            {
              label: trans.__('Undo'),
              callback: () => {
                changes.rollBack(undo, trans.__('Undone.')).then(
                  back => {
                    tellMoved(back, changes, trans);
                  },
                  (error: unknown) => {
                    tellFailure(error);
                  }
                );
              }
            }
          ]
  });
}

/** Delete an adapter when the time to undo that has passed, and say so. */
export async function removeLater(
  version: number,
  changes: AdapterChanges,
  trans: TranslationBundle
): Promise<void> {
  const id = Notification.info(
    trans.__('Adapter v%1 will be deleted in a moment.', version),
    {
      autoClose: HOLD_MS,
      actions: [
        {
          label: trans.__('Undo'),
          callback: () => {
            changes.keep(version);
          }
        }
      ]
    }
  );
  try {
    const moved = await changes.remove(version);
    Notification.dismiss(id);
    if (moved) {
      Notification.success(moved.told);
    }
  } catch (error) {
    Notification.dismiss(id);
    tellFailure(error);
  }
}

/** Say what did not work, and the next step. */
export function tellFailure(error: unknown): void {
  const told = error instanceof Error ? error.message : String(error);
  const next = error instanceof Refused ? error.nextStep : '';
  Notification.error(`${told} ${next}`.trim());
}
