import React, { type ReactElement, useState } from 'react';
import type { AblationReport } from '../../api/schema';
import type { Ablations } from '../../models/ablations';
import { Confirm } from '../confirm';
import { useView } from '../context';
import { Trouble } from '../notice';
import { canResume, isLive } from './words';

interface IActs {
  model: Ablations;
  report: AblationReport;
}

/** The user's hand on a run. */
export function Acts({ model, report }: IActs): ReactElement {
  const { navigation, trans } = useView();
  const { number, state } = report;
  const [deleting, setDeleting] = useState(false);
  const live = isLive(state);
  return (
    <>
      <div className="mc-buttons">
        <GoOn model={model} report={report} />
        <button
          type="button"
          className="mc-button"
          aria-disabled={live}
          title={live ? trans.__('Stop it first.') : ''}
          onClick={() => {
            setDeleting(!live);
          }}
        >
          {trans.__('Delete…')}
        </button>
      </div>
      {deleting && !live && (
        <Confirm
          question={trans.__(
            'Ablation %1 is deleted with its %2 attempts and their traces. This cannot be undone.',
            number,
            report.done
          )}
          act={trans.__('Delete')}
          run={async () => {
            await model.remove(number);
            navigation.go('ablations');
          }}
          close={() => {
            setDeleting(false);
          }}
        />
      )}
    </>
  );
}

/** Stops it, or goes on with it: one button, so that it keeps the focus. */
function GoOn({ model, report }: IActs): ReactElement {
  const { trans } = useView();
  const { number, state } = report;
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const live = isLive(state);
  const able = live || canResume(state);
  const act = async (): Promise<void> => {
    if (busy || !able) {
      return;
    }
    setBusy(true);
    setFailure(undefined);
    try {
      await (live ? model.stop(number) : model.resume(number));
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
    }
    setBusy(false);
  };
  return (
    <>
      {able && (
        <button
          type="button"
          className="mc-button mc-act"
          title={
            live
              ? trans.__(
                  'Stop after the attempts under way; it can go on later.'
                )
              : trans.__('Go on where it stopped.')
          }
          aria-busy={busy}
          onClick={() => {
            void act();
          }}
        >
          {live ? trans.__('Stop') : trans.__('Resume')}
        </button>
      )}
      {failure && <Trouble error={failure} />}
    </>
  );
}
