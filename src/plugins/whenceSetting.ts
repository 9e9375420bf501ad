import { Notification } from '@jupyterlab/apputils';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

const PLUGIN = 'metaclaw-jlab:agent-cells';
const KEY = 'showProvenance';

/** Whether a line over the agent's cells says whence they came. */
export class WhenceSetting {
  constructor(
    registry: ISettingRegistry | null,
    private readonly _trans: TranslationBundle
  ) {
    registry?.load(PLUGIN).then(
      settings => {
        this._settings = settings;
        settings.changed.connect(this._read);
        this._read();
      },
      () => undefined // Without its schema the setting is what it is by default.
    );
  }

  readonly changed = new Signal<this, void>(this);

  get shown(): boolean {
    return this._shown;
  }

  /** Show it no more, until the setting is changed. */
  async hide(): Promise<void> {
    await this._set(false);
    Notification.info(
      this._trans.__('Where cells came from is not shown any more.'),
      {
        autoClose: 10_000,
        actions: [
          {
            label: this._trans.__('Show it again'),
            callback: () => {
              void this._set(true);
            }
          }
        ]
      }
    );
  }

  private async _set(shown: boolean): Promise<void> {
    this._shown = shown;
    this.changed.emit();
    await this._settings?.set(KEY, shown);
  }

  private readonly _read = (): void => {
    this._shown = this._settings?.get(KEY).composite !== false;
    this.changed.emit();
  };

  private _settings: ISettingRegistry.ISettings | undefined;
  private _shown = true;
}
