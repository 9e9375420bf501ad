import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Moved } from '../../api/schema';
import { type AdapterChanges, HOLD_MS } from '../../models/adapters';
import type { IOutcome } from '../../models/steering';
import { tellOutcome } from '../outcome';

/** Say what was done to an adapter, with the way back where there is one. */
export function tellMoved(
  moved: Moved,
  changes: AdapterChanges,
  trans: TranslationBundle
): void {
  const outcome = ({ told, undo }: Moved): IOutcome =>
    undo === null
      ? { told }
      : {
          told,
          undo: async () =>
            outcome(await changes.rollBack(undo, trans.__('Undone.')))
        };
  void tellOutcome(Promise.resolve(outcome(moved)), trans);
}

/** Delete an adapter when the time to undo that has passed, and say so. Never rejects. */
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
  const removed = changes.remove(version);
  const kept = await removed.then(
    moved => moved === undefined,
    () => false
  );
  Notification.dismiss(id);
  if (!kept) {
    const told = removed.then(moved => ({ told: moved?.told ?? '' }));
    await tellOutcome(told, trans);
  }
}
