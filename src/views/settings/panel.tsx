import { ReactWidget } from '@jupyterlab/ui-components';
import React, { type ReactElement, useRef } from 'react';
import type { SettingList } from '../../api/schema';
import type { ISettingSection, SettingsForm } from '../../models/settings';
import { type IViewContext, useView, ViewContext } from '../context';
import { useResource, useSignal } from '../hooks';
import { Empty, Loaded } from '../notice';
import { SettingField } from './field';
import { sectionInWords } from './words';

/** What is done beside the settings. */
export interface ISettingsActs {
  /** Look whether what is set works. */
  look: () => void;
}

/** The settings of the agent, in the main area. */
export class SettingsPanel extends ReactWidget {
  constructor(
    private readonly _context: IViewContext,
    private readonly _form: SettingsForm,
    private readonly _acts: ISettingsActs
  ) {
    super();
    this.id = 'metaclaw-settings';
    this.addClass('mc-main');
  }

  protected override render(): ReactElement {
    return (
      <ViewContext.Provider value={this._context}>
        <SettingsView form={this._form} acts={this._acts} />
      </ViewContext.Provider>
    );
  }
}

interface ISettingsView {
  form: SettingsForm;
  acts: ISettingsActs;
}

/** Every setting, by section; the server writes config.toml. */
export function SettingsView({ form, acts }: ISettingsView): ReactElement {
  const { trans } = useView();
  const page = useRef<HTMLElement>(null);
  useSignal(form.changed);
  const list = useResource(form.list);
  const sections = form.sections();
  return (
    <section
      ref={page}
      className="mc-page mc-settings"
      aria-label={trans.__('Settings of MetaClaw')}
    >
      <h1 className="mc-page-title">{trans.__('MetaClaw settings')}</h1>
      <Search form={form} found={sections} />
      <div className="mc-buttons">
        <button type="button" className="mc-button" onClick={acts.look}>
          {trans.__('Look whether all is in order')}
        </button>
      </div>
      <Loaded resource={list}>
        {found => (
          <>
            <About list={found} />
            <Sections
              sections={sections}
              go={name => {
                const title = page.current?.querySelector<HTMLElement>(
                  `#${titleId(name)}`
                );
                title?.scrollIntoView({ block: 'start' });
                title?.focus({ preventScroll: true });
              }}
            />
            {sections.length === 0 && (
              <Empty title={trans.__('No setting is like that')}>
                <p>
                  {trans.__(
                    'Words are sought in names and descriptions of settings.'
                  )}
                </p>
              </Empty>
            )}
            {sections.map(section => (
              <Section key={section.name} form={form} section={section} />
            ))}
          </>
        )}
      </Loaded>
    </section>
  );
}

interface ISearch {
  form: SettingsForm;
  found: readonly ISettingSection[];
}

function Search({ form, found }: ISearch): ReactElement {
  const { trans } = useView();
  const count = found.reduce((sum, { settings }) => sum + settings.length, 0);
  return (
    <div className="mc-settings-search" role="search">
      <input
        type="search"
        className="mc-field"
        aria-label={trans.__('Search settings')}
        placeholder={trans.__('Search settings')}
        value={form.search}
        onChange={event => {
          form.search = event.currentTarget.value;
        }}
      />
      <label className="mc-settings-only">
        <input
          type="checkbox"
          checked={form.onlySet}
          onChange={event => {
            form.onlySet = event.currentTarget.checked;
          }}
        />
        {trans.__('Only what is set')}
      </label>
      <span className="mc-heard" role="status">
        {form.search !== '' &&
          trans._n('%1 setting found', '%1 settings found', count, count)}
      </span>
    </div>
  );
}

/** Where the settings are kept, and what was left out of account. */
function About({ list }: { list: SettingList }): ReactElement {
  const { trans } = useView();
  return (
    <>
      <p className="mc-quiet mc-settings-path">
        {trans.__('Kept in')} <code>{list.path}</code>
      </p>
      {list.notes.length > 0 && (
        <ul className="mc-trouble mc-settings-notes">
          {list.notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}

interface ISections {
  sections: readonly ISettingSection[];
  go: (name: string) => void;
}

function Sections({ sections, go }: ISections): ReactElement {
  const { trans } = useView();
  return (
    <nav className="mc-settings-nav" aria-label={trans.__('Sections')}>
      {sections.map(({ name }) => (
        <button
          key={name}
          type="button"
          className="mc-link"
          onClick={() => {
            go(name);
          }}
        >
          {sectionInWords(name, trans).title}
        </button>
      ))}
    </nav>
  );
}

interface ISection {
  form: SettingsForm;
  section: ISettingSection;
}

function Section({ form, section }: ISection): ReactElement {
  const { trans } = useView();
  const { title, about } = sectionInWords(section.name, trans);
  return (
    <section
      className="mc-settings-section"
      aria-labelledby={titleId(section.name)}
    >
      <h2
        id={titleId(section.name)}
        className="mc-title mc-settings-title"
        tabIndex={-1}
      >
        {title}
      </h2>
      <p className="mc-quiet">{about}</p>
      {section.settings.map(setting => (
        <SettingField key={setting.key} form={form} setting={setting} />
      ))}
    </section>
  );
}

function titleId(name: string): string {
  return `mc-settings-${name}`;
}
