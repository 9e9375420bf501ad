import { ReactWidget } from '@jupyterlab/ui-components';
import React, { type KeyboardEvent, type ReactElement, useRef } from 'react';
import type { TabId } from '../models/navigation';
import { type IViewContext, useView, ViewContext } from './context';
import { useSignal } from './hooks';
import { TABS } from './tabs';

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };

/** The sidebar: a row of tabs, and the one that is open. */
export class Sidebar extends ReactWidget {
  constructor(private readonly _context: IViewContext) {
    super();
    this.id = 'metaclaw-sidebar';
    this.addClass('mc-sidebar');
  }

  protected override render(): ReactElement {
    return (
      <ViewContext.Provider value={this._context}>
        <Tabs />
      </ViewContext.Provider>
    );
  }
}

function Tabs(): ReactElement {
  const { navigation, trans } = useView();
  useSignal(navigation.changed);
  const list = useRef<HTMLDivElement>(null);
  const { tab, subject } = navigation.place;
  const open = TABS.find(({ id }) => id === tab) ?? TABS[0];

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
      list.current?.querySelector<HTMLElement>(`#${tabId(id)}`)?.focus();
    }
  };

  if (!open) {
    return <></>;
  }
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
        id="mc-panel"
        className="mc-panel"
        role="tabpanel"
        aria-labelledby={tabId(open.id)}
        tabIndex={-1}
      >
        <open.Body key={open.id} subject={subject} />
      </div>
    </>
  );
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
