import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import React, {
  type KeyboardEvent,
  type ReactElement,
  useEffect,
  useLayoutEffect,
  useRef
} from 'react';
import type { TabId } from '../models/navigation';
import type { IHelm } from '../tokens';
import { Closed } from './closed';
import { type IViewContext, useView, ViewContext } from './context';
import { Header } from './header';
import { HelmContext } from './helm';
import { SeenContext, useSignal } from './hooks';
import { TABS } from './tabs';

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };

/** For how many frames a field is waited for that is to have the focus. */
const PATIENCE = 120;

/** The sidebar: what goes on over a row of tabs, and the one that is open. */
export class Sidebar extends ReactWidget {
  constructor(
    private readonly _context: IViewContext,
    private readonly _helm: IHelm
  ) {
    super();
    this.id = 'metaclaw-sidebar';
    this.addClass('mc-sidebar');
    const { connection } = _context;
    const stale = (): void => {
      this.toggleClass('mc-stale', connection.state === 'gone');
    };
    connection.stateChanged.connect(stale);
    this.disposed.connect(() => {
      connection.stateChanged.disconnect(stale);
    });
  }

  /** Put the focus into a field as soon as that is there. */
  focusField(selector: string): void {
    let frames = 0;
    const look = (): void => {
      const field = this.node.querySelector<HTMLElement>(selector);
      if (field) {
        field.focus();
      } else if (++frames < PATIENCE && this.isVisible) {
        requestAnimationFrame(look);
      }
    };
    look();
  }

  protected override render(): ReactElement {
    this._wasSeen ||= this.isVisible;
    if (!this._wasSeen) {
      return <></>;
    }
    return (
      <ViewContext.Provider value={this._context}>
        <HelmContext.Provider value={this._helm}>
          <SeenContext.Provider value={this.isVisible}>
            <Header />
            <Tabs />
          </SeenContext.Provider>
        </HelmContext.Provider>
      </ViewContext.Provider>
    );
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.update();
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this.update();
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    if (!this.node.contains(document.activeElement)) {
      this.focusField('[role="tab"][aria-selected="true"]');
    }
  }

  private _wasSeen = false;
}

function Tabs(): ReactElement {
  const { connection, navigation, trans } = useView();
  useSignal(navigation.changed);
  useSignal(connection.stateChanged);
  const list = useRef<HTMLDivElement>(null);
  const panel = useKeptFocus();
  const { tab, subject } = navigation.place;
  const open = TABS.find(({ id }) => id === tab) ?? TABS[0];

  // Where the focus is on a tab, it goes along with what is open.
  useEffect(() => {
    const tabs = list.current;
    if (open && tabs?.contains(document.activeElement)) {
      tabs.querySelector<HTMLElement>(`#${tabId(open.id)}`)?.focus();
    }
  }, [open]);

  const move = (event: KeyboardEvent): void => {
    const index = TABS.findIndex(({ id }) => id === open?.id);
    const next = nextOf(event.key, index);
    if (next === undefined) {
      return;
    }
    event.preventDefault();
    const id = TABS.at(next % TABS.length)?.id;
    if (id) {
      navigation.go(id);
    }
  };

  if (!open) {
    return <></>;
  }
  const closed = connection.state === 'absent' || connection.state === 'closed';
  return (
    <>
      <div
        ref={list}
        className="mc-tabs"
        role="tablist"
        aria-label={trans.__('MetaClaw')}
        onKeyDown={move}
      >
        {TABS.map(({ id, label }) => (
          <button
            key={id}
            id={tabId(id)}
            type="button"
            role="tab"
            aria-selected={id === open.id}
            aria-controls="mc-panel"
            tabIndex={id === open.id ? 0 : -1}
            className="mc-tab"
            onClick={() => {
              navigation.go(id);
            }}
          >
            {label(trans)}
          </button>
        ))}
      </div>
      <div
        ref={panel}
        id="mc-panel"
        className="mc-panel"
        role="tabpanel"
        aria-labelledby={tabId(open.id)}
        tabIndex={0}
      >
        <Top key={`${open.id} ${subject ?? ''}`} panel={panel} />
        {closed ? <Closed /> : <open.Body key={open.id} subject={subject} />}
      </div>
    </>
  );
}

/** Has what opens begin at its top. It stands before the body, which may go back to where one was in it. */
function Top({ panel }: { panel: React.RefObject<HTMLElement> }): null {
  useLayoutEffect(() => {
    if (panel.current) {
      panel.current.scrollTop = 0;
    }
  }, [panel]);
  return null;
}

/** Keeps the focus in the panel when what had it is gone, because one went elsewhere. */
function useKeptFocus(): React.RefObject<HTMLDivElement> {
  const { navigation } = useView();
  const panel = useRef<HTMLDivElement>(null);
  const within = useRef(false);
  useEffect(() => {
    const leave = (): void => {
      within.current = panel.current?.contains(document.activeElement) ?? false;
    };
    navigation.changed.connect(leave);
    return () => {
      navigation.changed.disconnect(leave);
    };
  }, [navigation]);
  useEffect(() => {
    if (within.current && document.activeElement === document.body) {
      panel.current?.focus({ preventScroll: true });
    }
    within.current = false;
  }, [navigation.place]);
  return panel;
}

function tabId(id: TabId): string {
  return `mc-tab-${id}`;
}

/** The index of the tab that a key goes to; undefined where it goes to none. */
function nextOf(key: string, index: number): number | undefined {
  if (key === 'Home') {
    return 0;
  }
  if (key === 'End') {
    return -1;
  }
  const step = STEPS[key];
  return step === undefined ? undefined : index + step;
}
