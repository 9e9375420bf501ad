import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { IHelm, IHome } from '../tokens';
import { StatusItem } from '../views/statusItem';

const SETTINGS = 'metaclaw-jlab:sidebar';

/** Where training stands and what the agent knows, in the status bar. */
export const statusItem: JupyterFrontEndPlugin<void> = {
  id: 'metaclaw-jlab:status-item',
  description: 'Shows in the status bar what MetaClaw does.',
  autoStart: true,
  requires: [IHome, IHelm],
  optional: [IStatusBar, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { connection }: IHome,
    { overview }: IHelm,
    bar: IStatusBar | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    if (!bar) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const item = new StatusItem(connection, overview, app.commands, trans);
    let wanted = true;
    const changed = new Signal<StatusItem, void>(item);
    connection.stateChanged.connect(() => {
      changed.emit();
    });
    void settings
      ?.load(SETTINGS)
      .then(loaded => {
        const read = (): void => {
          wanted = loaded.get('statusItem').composite !== false;
          changed.emit();
        };
        loaded.changed.connect(read);
        read();
      })
      .catch((error: unknown) => {
        console.warn('metaclaw-jlab: the settings cannot be read.', error);
      });
    bar.registerStatusItem('metaclaw-jlab:status-item', {
      item,
      align: 'right',
      rank: 100,
      isActive: () => wanted && connection.state !== 'absent',
      activeStateChanged: changed
    });
  }
};
