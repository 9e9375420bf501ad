import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Connection } from '../models/connection';
import { Navigation } from '../models/navigation';
import { CommandIDs, IHome } from '../tokens';
import { metaclawIcon } from '../views/icon';
import { Sidebar } from '../views/sidebar';

const PLUGIN = 'metaclaw-jlab:sidebar';
const PLACE = `${PLUGIN}:place`;

/** The server behind the page, for every plugin that asks it something. */
export const home: JupyterFrontEndPlugin<IHome> = {
  id: 'metaclaw-jlab:home',
  description: 'Knows the server, and the place in the sidebar.',
  autoStart: true,
  provides: IHome,
  activate: (app: JupyterFrontEnd): IHome => ({
    connection: new Connection(app.serviceManager),
    navigation: new Navigation()
  })
};

/** The sidebar, and the commands that open something in it. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'Shows what the agent knows, and what it does.',
  autoStart: true,
  requires: [IHome, IRenderMimeRegistry],
  optional: [ILayoutRestorer, IStateDB, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { connection, navigation }: IHome,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const { commands, shell } = app;
    const { contents } = app.serviceManager;
    const panel = new Sidebar({
      connection,
      navigation,
      commands,
      contents,
      rendermime,
      trans
    });
    panel.title.icon = metaclawIcon;
    panel.title.caption = trans.__('MetaClaw');
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('MetaClaw'));

    void sideOf(settings).then(side => {
      shell.add(panel, side, { rank: 700, type: 'MetaClaw' });
      restorer?.add(panel, panel.id);
    });
    if (state) {
      void state.fetch(PLACE).then(kept => {
        navigation.restore(kept);
        navigation.changed.connect(() => {
          void state.save(PLACE, navigation.toJSON());
        });
      });
    }

    const show = (): void => {
      shell.activateById(panel.id);
    };
    commands.addCommand(CommandIDs.openSidebar, {
      label: trans.__('MetaClaw: Open the sidebar'),
      caption: trans.__('Show what the agent knows, and what it does'),
      icon: metaclawIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: show
    });
    for (const [id, tab] of [
      [CommandIDs.showSkill, 'skills'],
      [CommandIDs.showTask, 'scores']
    ] as const) {
      commands.addCommand(id, {
        label:
          tab === 'skills'
            ? trans.__('MetaClaw: Show a skill')
            : trans.__('MetaClaw: Why this answer'),
        describedBy: {
          args: {
            type: 'object',
            properties: { id: { type: 'string' } },
            required: ['id']
          }
        },
        execute: args => {
          if (typeof args['id'] === 'string') {
            navigation.go(tab, args['id']);
          }
          show();
        }
      });
    }
  }
};

/** The side of the window that the user wants it on. */
async function sideOf(
  settings: ISettingRegistry | null
): Promise<'left' | 'right'> {
  if (!settings) {
    return 'right';
  }
  try {
    const loaded = await settings.load(PLUGIN);
    return loaded.get('side').composite === 'left' ? 'left' : 'right';
  } catch {
    return 'right';
  }
}
