import { JSONExt, type ReadonlyJSONValue } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';
import { type Api, answer } from '../api/client';
import type { Setting, SettingList } from '../api/schema';
import type { Connection } from './connection';
import { Resource } from './resource';

/** What happens to one setting: whether it is being written, why that failed, whether it can be taken back. */
export interface IField {
  readonly saving: boolean;
  readonly error: Error | undefined;
  /** What was done last, until the next change; it can be undone where `undoable`. */
  readonly done: 'saved' | 'reset' | undefined;
  readonly undoable: boolean;
}

/** The settings of a section that are shown. */
export interface ISettingSection {
  readonly name: string;
  readonly settings: readonly Setting[];
}

type Change = { put: unknown } | 'reset';

interface IState {
  saving: boolean;
  next: Change | undefined;
  error: Error | undefined;
  done: 'saved' | 'reset' | undefined;
  /** What to write, in order, so that all is as it was before the last change. */
  back: readonly (readonly [key: string, change: Change])[];
}

/**
 * The settings of the home, changed one at a time through the server, which
 * alone writes config.toml. Of changes that are made while one is written the
 * last counts.
 */
export class SettingsForm {
  constructor(private readonly _connection: Connection) {
    this.list = new Resource(_connection, api => answer(api.GET('/settings')));
    this.list.changed.connect(() => {
      this._changed.emit();
    });
  }

  readonly list: Resource<SettingList>;

  /** The list, what is sought, or a field is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Words that have to be in a setting's key or description. */
  get search(): string {
    return this._search;
  }

  set search(text: string) {
    this._search = text;
    this._changed.emit();
  }

  /** Whether only settings are shown that differ from their default or that somebody has set. */
  get onlySet(): boolean {
    return this._onlySet;
  }

  set onlySet(only: boolean) {
    this._onlySet = only;
    this._changed.emit();
  }

  /** The sections that hold what is sought, in the order of config.toml. */
  sections(): ISettingSection[] {
    const words = this._search.toLowerCase().split(/\s+/).filter(Boolean);
    const found = new Map<string, Setting[]>();
    for (const setting of this.list.value?.settings ?? []) {
      const text = `${setting.key} ${setting.key.replaceAll('_', ' ')} ${setting.description}`;
      const told = text.toLowerCase();
      if (
        words.every(word => told.includes(word)) &&
        (!this._onlySet || setting.source !== 'default' || setting.overridden)
      ) {
        const section = found.get(setting.section) ?? [];
        section.push(setting);
        found.set(setting.section, section);
      }
    }
    return [...found].map(([name, settings]) => ({ name, settings }));
  }

  /** What happens to a setting. */
  field(key: string): IField {
    const state = this._states.get(key);
    return {
      saving: state?.saving ?? false,
      error: state?.error,
      done: state?.done,
      undoable: (state?.back.length ?? 0) > 0
    };
  }

  /** Write a value. One that is in force already is not written. Never rejects: `field(key)` has what went wrong. */
  async put(key: string, value: unknown): Promise<void> {
    const setting = this._find(key);
    const state = this._state(key);
    if (
      !state.saving &&
      setting &&
      !setting.overridden &&
      same(setting.value, value)
    ) {
      this.forget(key);
      return;
    }
    await this._change(key, { put: value });
  }

  /** Say no more why the last change was refused. */
  forget(key: string): void {
    const state = this._state(key);
    if (state.error) {
      state.error = undefined;
      this._changed.emit();
    }
  }

  /** Let the default hold again, or what another layer says. Never rejects. */
  async reset(key: string): Promise<void> {
    await this._change(key, 'reset');
  }

  /** Take the last change of a setting back, with what it brought about elsewhere. Never rejects. */
  async undo(key: string): Promise<void> {
    const { back } = this._state(key);
    for (const [name, change] of back) {
      await this._change(name, change);
    }
    for (const name of new Set([key, ...back.map(([name]) => name)])) {
      const state = this._state(name);
      state.back = [];
      state.done = undefined;
    }
    this._changed.emit();
  }

  private async _change(key: string, change: Change): Promise<void> {
    const state = this._state(key);
    if (state.saving) {
      state.next = change;
      return;
    }
    const before = this.list.value;
    state.saving = true;
    let wanted: Change | undefined = change;
    let last = change;
    while (wanted !== undefined) {
      state.error = undefined;
      state.done = undefined;
      this._changed.emit();
      last = wanted;
      try {
        this._took(await ask(this._connection.api, key, wanted));
        this._connection.note();
      } catch (error) {
        state.error = error instanceof Error ? error : new Error(String(error));
        this._connection.note(error);
      }
      wanted = state.next;
      state.next = undefined;
    }
    // One change may bring about others: a key goes with the address that it was for.
    await this.list.refresh();
    state.saving = false;
    if (!state.error) {
      state.done = last === 'reset' ? 'reset' : 'saved';
      state.back = before ? wayBack(key, before, this.list.value) : [];
    }
    this._changed.emit();
  }

  /** Show what was answered at once. */
  private _took(setting: Setting): void {
    const { value } = this.list;
    if (value) {
      this.list.put({
        ...value,
        settings: value.settings.map(one =>
          one.key === setting.key ? setting : one
        )
      });
    }
  }

  private _find(key: string): Setting | undefined {
    return find(this.list.value, key);
  }

  private _state(key: string): IState {
    let state = this._states.get(key);
    if (!state) {
      state = {
        saving: false,
        next: undefined,
        error: undefined,
        done: undefined,
        back: []
      };
      this._states.set(key, state);
    }
    return state;
  }

  private readonly _states = new Map<string, IState>();
  private readonly _changed = new Signal<this, void>(this);
  private _search = '';
  private _onlySet = false;
}

function ask(api: Api, key: string, change: Change): Promise<Setting> {
  const params = { path: { key } };
  return change === 'reset'
    ? answer(api.DELETE('/settings/{key}', { params }))
    : answer(
        api.PUT('/settings/{key}', { params, body: { value: change.put } })
      );
}

/** What to write so that config.toml is as before. What another layer hides is not known, and stays away. */
function wayBack(
  key: string,
  before: SettingList,
  after: SettingList | undefined
): [string, Change][] {
  const back: [string, Change][] = [];
  for (const was of before.settings) {
    const is = find(after, was.key);
    if (!is || was.overridden || was.source === 'administrator') {
      continue;
    }
    const wrote = was.source === 'config.toml';
    const moved =
      is.source !== was.source || (wrote && !same(is.value, was.value));
    if (was.key === key ? moved : wrote && is.source === 'default') {
      back.push([was.key, wrote ? { put: was.value } : 'reset']);
    }
  }
  // The address before the key that belongs to it.
  return back.sort(
    ([one], [other]) => Number(other === key) - Number(one === key)
  );
}

function find(list: SettingList | undefined, key: string): Setting | undefined {
  return list?.settings.find(setting => setting.key === key);
}

function same(one: unknown, other: unknown): boolean {
  return JSONExt.deepEqual(
    one as ReadonlyJSONValue,
    other as ReadonlyJSONValue
  );
}
