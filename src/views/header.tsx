import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';
import React, {
  type ReactElement,
  type ReactNode,
  useEffect,
  useRef,
  useState
} from 'react';
import { Refused } from '../api/failure';
import type { Schedule, Status } from '../api/schema';
import { exactly } from '../models/ago';
import { moment } from '../models/moment';
import { CommandIDs } from '../tokens';
import { useConnectionLine } from './connectionLine';
import { useView } from './context';
import { useHelm } from './helm';
import { useResource, useSignal } from './hooks';
import { PAUSES, standingOf } from './words';

/** Over the tabs: who answers, what is done to the machine and why, and the user's hand on it. */
export function Header(): ReactElement {
  const { overview } = useHelm();
  const { value: status, failure } = useResource(overview.status);
  const schedule = useResource(overview.schedule).value;
  const line =
    useConnectionLine() ||
    refusal(failure) ||
    (status?.answering?.problem ?? '');
  return (
    <div className="mc-head">
      <Who status={status} schedule={schedule} />
      <Said schedule={schedule} line={line} />
      <Next schedule={line ? undefined : schedule} />
      <Acts />
      <Announcer schedule={schedule} line={line} />
    </div>
  );
}

/** Why the server tells nothing of the home, where it says so. */
function refusal(failure: Error | undefined): string {
  return failure instanceof Refused
    ? `${failure.message} ${failure.nextStep}`
    : '';
}

interface IWho {
  status: Status | undefined;
  schedule: Schedule | undefined;
}

function Who({ status, schedule }: IWho): ReactElement {
  const { navigation, trans } = useView();
  const standing = schedule && standingOf(schedule, trans);
  return (
    <p className="mc-head-who">
      <span
        className={standing?.live ? 'mc-sign mc-sign-live' : 'mc-sign'}
        aria-hidden="true"
      >
        {standing?.sign ?? '○'}
      </span>
      {status && (
        <>
          <Policy status={status} />
          {status.adapter !== null && (
            <Place
              go={() => {
                navigation.go('training');
              }}
            >
              <span className="mc-head-long">
                {trans.__('adapter v%1', status.adapter)}
              </span>
              <span
                className="mc-head-short"
                title={trans.__('adapter v%1', status.adapter)}
              >
                {trans.__('v%1', status.adapter)}
              </span>
            </Place>
          )}
          <Place
            go={() => {
              navigation.go('skills');
            }}
          >
            {status.skill_generation === null
              ? trans.__('skills')
              : trans.__('skills g%1', status.skill_generation)}
          </Place>
        </>
      )}
    </p>
  );
}

/** Who answers; a pointer over it tells what it can and cannot do. */
export function Policy({ status }: { status: Status }): ReactElement {
  const { trans } = useView();
  const { answering, policy } = status;
  const isHere = answering?.kind === 'local' && !answering.problem;
  const embedded = [trans.__('embedded policy'), trans.__('embedded')] as const;
  const [long, short] = status.practice_only
    ? embedded
    : [policy, isHere ? answering.name : policy];
  const about = isHere
    ? [...answering.abilities, answering.source]
    : (answering?.abilities ?? []);
  return (
    <span className="mc-head-policy" title={[policy, ...about].join('\n')}>
      {long === short ? (
        policy
      ) : (
        <>
          <span className="mc-head-long">{long}</span>
          <span className="mc-head-short">{short}</span>
        </>
      )}
    </span>
  );
}

function Place({
  go,
  children
}: {
  go: () => void;
  children: ReactNode;
}): ReactElement {
  return (
    <button type="button" className="mc-link mc-head-place" onClick={go}>
      {children}
    </button>
  );
}

interface ISaid {
  schedule: Schedule | undefined;
  line: string;
}

/** Where it stands, with the reason; instead of that what there is to say of the server. Its room is kept. */
function Said({ schedule, line }: ISaid): ReactElement {
  const { trans } = useView();
  if (line) {
    return (
      <p className="mc-head-said mc-head-line" title={line}>
        <span aria-hidden="true">⚠</span> {line}
      </p>
    );
  }
  if (!schedule) {
    return <p className="mc-head-said" />;
  }
  const { word } = standingOf(schedule, trans);
  const { sentence } = schedule;
  return (
    <p className="mc-head-said" title={sentence}>
      {!sentence.startsWith(word) && <strong>{trans.__('%1:', word)} </strong>}
      {sentence}
    </p>
  );
}

function Next({ schedule }: { schedule: Schedule | undefined }): ReactElement {
  const { trans } = useView();
  const view = schedule?.view;
  const at = view?.next_window;
  const now = Date.now() / 1000;
  if (!view || typeof at !== 'number' || at <= now) {
    return <p className="mc-head-next" />;
  }
  const told = trans.__('Next window likely %1.', moment(at, now));
  return (
    <p className="mc-head-next" title={`${exactly(at)} ${view.why}`.trim()}>
      {told} {view.why}
    </p>
  );
}

/** What the user can do. The buttons keep their places: one stands for an act or for what takes it back. */
function Acts(): ReactElement {
  const { connection } = useView();
  const { overview, steering } = useHelm();
  useSignal(steering.changed);
  useSignal(overview.schedule.changed);
  useSignal(connection.stateChanged);
  return (
    <div className="mc-buttons mc-head-acts">
      <TrainButton />
      <PauseButton />
    </div>
  );
}

function TrainButton(): ReactElement {
  const { commands, trans } = useView();
  const { steering } = useHelm();
  const stops = steering.trains === true;
  const command = stops ? CommandIDs.stopTraining : CommandIDs.trainNow;
  const able = steering.allows(stops ? 'stop' : 'train');
  return (
    <button
      type="button"
      className="mc-button mc-act"
      title={commands.caption(command)}
      aria-disabled={!able}
      aria-busy={steering.doing === 'train' || steering.doing === 'stop'}
      onClick={() => {
        if (able) {
          void commands.execute(command);
        }
      }}
    >
      {stops ? trans.__('Stop') : trans.__('Train now')}
    </button>
  );
}

/** Opens a menu of durations, or takes the pause back: one button, so that it keeps the focus. */
function PauseButton(): ReactElement {
  const { commands, trans } = useView();
  const { steering } = useHelm();
  const [isOpen, setOpen] = useState(false);
  const resumes = steering.paused === true;
  const command = resumes ? CommandIDs.resume : CommandIDs.pause;
  const able = steering.allows(resumes ? 'resume' : 'pause');
  const press = (button: HTMLElement): void => {
    if (!able) {
      return;
    }
    if (resumes) {
      void commands.execute(command);
      return;
    }
    setOpen(true);
    openPauses(commands, button, () => {
      setOpen(false);
    });
  };
  return (
    <button
      type="button"
      className="mc-button mc-act"
      title={commands.caption(command)}
      aria-haspopup={resumes ? undefined : 'menu'}
      aria-expanded={resumes ? undefined : isOpen}
      aria-disabled={!able}
      aria-busy={steering.doing === 'pause' || steering.doing === 'resume'}
      onClick={event => {
        press(event.currentTarget);
      }}
      onKeyDown={event => {
        if (event.key === 'ArrowDown' && !resumes) {
          event.preventDefault();
          press(event.currentTarget);
        }
      }}
    >
      {resumes ? trans.__('Resume') : trans.__('Pause')}
      {!resumes && <span aria-hidden="true"> ▾</span>}
    </button>
  );
}

/** Open the menu of pauses below a button, which has the focus again afterwards. */
function openPauses(
  commands: CommandRegistry,
  button: HTMLElement,
  closed: () => void
): void {
  const menu = new Menu({ commands });
  for (const minutes of PAUSES) {
    menu.addItem({
      command: CommandIDs.pause,
      args: minutes === undefined ? { isMenu: true } : { minutes, isMenu: true }
    });
  }
  menu.aboutToClose.connect(() => {
    closed();
    button.focus();
    // The chosen command runs after this.
    setTimeout(() => {
      menu.dispose();
    });
  });
  const { left, bottom } = button.getBoundingClientRect();
  menu.open(left, bottom);
  menu.activateNextItem();
}

/** Says to those who hear that where it stands has changed; the rest they read when they want to. */
function Announcer({ schedule, line }: ISaid): ReactElement {
  const { trans } = useView();
  const word = schedule && standingOf(schedule, trans).word;
  const before = useRef(word);
  const [heard, setHeard] = useState('');
  useEffect(() => {
    if (word !== before.current) {
      if (before.current !== undefined && word !== undefined) {
        setHeard(trans.__('MetaClaw: %1', word));
      }
      before.current = word;
    }
  }, [word, trans]);
  // "last heard of" grows: that is not said again and again.
  const news = line.split(';', 1)[0] ?? '';
  useEffect(() => {
    if (news) {
      setHeard(news);
    }
  }, [news]);
  return (
    <div className="mc-heard" role="status">
      {heard}
    </div>
  );
}
