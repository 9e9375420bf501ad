import React, { type ReactElement, useState } from 'react';
import type { IAct, Switch } from '../../models/skillActs';
import { useView } from '../context';
import { tellOutcome } from '../outcome';
import { Confirm } from '../confirm';
import { useSkillModels } from './models';
import { Sign } from './signs';
import type { ISkillView } from './skill';

/** What is switched in the head of a page: whether a skill is used, and whether evolution may change it. */
export function Toggles({ account, refresh }: ISkillView): ReactElement {
  const { trans } = useView();
  const marks = account.whence.marks;
  const { turn, busy } = useTurn(account.skill.name, refresh);
  const pinned = marks.includes('pinned');
  const disabled = marks.includes('disabled');
  return (
    <span className="mc-toggles">
      <button
        type="button"
        className="mc-toggle"
        aria-pressed={!disabled}
        aria-label={trans.__('In use')}
        title={
          disabled
            ? trans.__('Enable: it may go into prompts again')
            : trans.__('Disable: it goes into no prompt')
        }
        aria-disabled={busy}
        onClick={() => {
          turn('enable', disabled);
        }}
      >
        <Sign name="power" />
      </button>
      <button
        type="button"
        className="mc-toggle"
        aria-pressed={pinned}
        aria-label={trans.__('Pinned')}
        title={
          pinned
            ? trans.__('Unpin: evolution may change it')
            : trans.__('Pin: only you change it')
        }
        aria-disabled={busy}
        onClick={() => {
          turn('pin', !pinned);
        }}
      >
        <Sign name="pinned" />
      </button>
    </span>
  );
}

/** What else can be done with a skill. */
export function Acts({ account, refresh }: ISkillView): ReactElement {
  const { navigation, trans } = useView();
  const { acts } = useSkillModels();
  const { skill, whence, generation } = account;
  const { turn, busy } = useTurn(skill.name, refresh);
  const [asks, setAsks] = useState(false);
  const disabled = whence.marks.includes('disabled');
  const quarantined = whence.marks.includes('quarantined');
  const newest = whence.history.at(-1);
  // A skill that is not in use was there last before the generation that took it out.
  const last = newest?.sha256 === null ? newest.generation - 1 : generation;
  return (
    <>
      <div className="mc-buttons">
        <button
          type="button"
          className="mc-button"
          aria-disabled={busy}
          onClick={() => {
            turn('enable', disabled);
          }}
        >
          {disabled ? trans.__('Enable') : trans.__('Disable')}
        </button>
        <button
          type="button"
          className="mc-button"
          aria-disabled={busy}
          onClick={() => {
            turn('quarantine', !quarantined);
          }}
        >
          {quarantined ? trans.__('Out of quarantine') : trans.__('Quarantine')}
        </button>
        <button
          type="button"
          className="mc-button"
          aria-expanded={asks}
          onClick={() => {
            setAsks(true);
          }}
        >
          {trans.__('Delete…')}
        </button>
      </div>
      {asks && (
        <Confirm
          question={trans.__(
            '%1 goes out of the library and into no more prompts. Earlier generations keep it, and you can undo it.',
            skill.name
          )}
          act={trans.__('Delete')}
          run={async () => {
            const act = await acts.remove(skill.name, last, whence.marks);
            void tellOutcome(Promise.resolve(act), trans);
            navigation.back();
          }}
          close={() => {
            setAsks(false);
          }}
        />
      )}
    </>
  );
}

interface ITurn {
  turn: (what: Switch, on: boolean) => void;
  busy: boolean;
}

/** Switches something of a skill, one thing at a time, and tells of it. */
function useTurn(name: string, refresh: () => void): ITurn {
  const { trans } = useView();
  const { acts } = useSkillModels();
  const [busy, setBusy] = useState(false);
  const turn = (what: Switch, on: boolean): void => {
    if (busy) {
      return;
    }
    setBusy(true);
    const asked: Promise<IAct> = acts.turn(name, what, on);
    void tellOutcome(asked, trans).then(() => {
      setBusy(false);
      refresh();
    });
  };
  return { turn, busy };
}
