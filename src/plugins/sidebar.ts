import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStateDB } from '@jupyterlab/statedb';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { Connection } from '../models/connection';
import { FirstSteps } from '../models/firstSteps';
import { Navigation, TAB_IDS } from '../models/navigation';
import { CommandIDs, IHelm, IHome } from '../tokens';
import { metaclawIcon } from '../views/icon';
import { Sidebar } from '../views/sidebar';
import { TABS } from '../views/tabs';
import { named } from '../views/words';

const PLUGIN = 'metaclaw-jlab:sidebar';
const PLACE = `${PLUGIN}:place`;

/** What is typed into to find a skill. */
const SEARCH = '#mc-panel input[type="search"]';

/** The server behind the page, for every plugin that asks it something. */
export const home: JupyterFrontEndPlugin<IHome> = {
  id: 'metaclaw-jlab:home',
  description: 'Knows the server, and the place in the sidebar.',
  autoStart: true,
  provides: IHome,
  activate: (app: JupyterFrontEnd): IHome => ({
    connection: new Connection(app.serviceManager),
    firstSteps: new FirstSteps(),
    navigation: new Navigation()
  })
};

/** The sidebar, and the commands that open something in it. */
export const sidebar: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'Shows what the agent knows, and what it does.',
  autoStart: true,
  requires: [IHome, IHelm, IRenderMimeRegistry],
  optional: [ILayoutRestorer, IStateDB, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { connection, firstSteps, navigation }: IHome,
    helm: IHelm,
    rendermime: IRenderMimeRegistry,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const { commands, shell } = app;
    const panel = new Sidebar(
      {
        connection,
        firstSteps,
        navigation,
        commands,
        contents: app.serviceManager.contents,
        rendermime,
        trans
      },
      helm
    );
    panel.title.icon = metaclawIcon;
    panel.title.caption = trans.__('MetaClaw');
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('MetaClaw'));
    // The user may have it on the other side: the shell keeps that.
    shell.add(panel, 'right', { rank: 700, type: 'MetaClaw' });
    restorer?.add(panel, panel.id);
    if (state) {
      void keepPlace(navigation, state);
    }

    const open = (): void => {
      shell.activateById(panel.id);
    };
    addOpening(commands, navigation, open, trans);
    addMoving(commands, navigation, open, trans);
    commands.addCommand(CommandIDs.searchSkills, {
      label: args => named(trans.__('Search the skills'), args, trans),
      describedBy: { args: NOTHING },
      execute: () => {
        navigation.go('skills');
        open();
        panel.focusField(SEARCH);
      }
    });
    if (palette) {
      addToPalette(palette, trans);
    }
  }
};

const NOTHING = { type: 'object', properties: {} } as const;

/** Begin where one was, and keep where one goes. */
async function keepPlace(
  navigation: Navigation,
  state: IStateDB
): Promise<void> {
  const before = navigation.place;
  navigation.changed.connect(() => {
    void state.save(PLACE, navigation.toJSON());
  });
  const kept = await state.fetch(PLACE);
  // Whoever went somewhere meanwhile is not sent back.
  if (navigation.place === before) {
    navigation.restore(kept);
  }
}

/** The commands that open the sidebar, or something in it. */
function addOpening(
  commands: CommandRegistry,
  navigation: Navigation,
  open: () => void,
  trans: TranslationBundle
): void {
  commands.addCommand(CommandIDs.openSidebar, {
    label: args => named(trans.__('Open the sidebar'), args, trans),
    caption: trans.__('Show what the agent knows, and what it does'),
    icon: args => (args['isMenu'] === true ? undefined : metaclawIcon),
    describedBy: { args: NOTHING },
    execute: open
  });
  for (const [id, tab, label] of [
    [CommandIDs.showSkill, 'skills', trans.__('Show a skill')],
    [CommandIDs.showTask, 'scores', trans.__('Why this answer')]
  ] as const) {
    commands.addCommand(id, {
      label: args => named(label, args, trans),
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
        open();
      }
    });
  }
}

/** The commands that go from tab to tab. */
function addMoving(
  commands: CommandRegistry,
  navigation: Navigation,
  open: () => void,
  trans: TranslationBundle
): void {
  commands.addCommand(CommandIDs.showTab, {
    label: args => named(tabLabel(args['tab'], trans), args, trans),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          tab: { type: 'string', enum: [...TAB_IDS] },
          subject: { type: 'string' }
        },
        required: ['tab']
      }
    },
    execute: args => {
      const tab = TAB_IDS.find(id => id === args['tab']);
      const subject = args['subject'];
      if (tab) {
        navigation.go(tab, typeof subject === 'string' ? subject : undefined);
      }
      open();
    }
  });
  for (const [id, by, label] of [
    [CommandIDs.nextTab, 1, trans.__('Next tab of the sidebar')],
    [CommandIDs.previousTab, -1, trans.__('Previous tab of the sidebar')]
  ] as const) {
    commands.addCommand(id, {
      label: args => named(label, args, trans),
      describedBy: { args: NOTHING },
      execute: () => {
        navigation.step(by);
        open();
      }
    });
  }
  commands.addCommand(CommandIDs.goBack, {
    label: args => named(trans.__('Back in the sidebar'), args, trans),
    describedBy: { args: NOTHING },
    isEnabled: () => navigation.canGoBack,
    execute: () => {
      navigation.back();
      open();
    }
  });
  navigation.changed.connect(() => {
    commands.notifyCommandChanged(CommandIDs.goBack);
  });
}

function tabLabel(id: unknown, trans: TranslationBundle): string {
  const tab = TABS.find(one => one.id === id);
  return tab ? trans.__('Show %1', tab.label(trans)) : trans.__('Show a tab');
}

function addToPalette(
  palette: ICommandPalette,
  trans: TranslationBundle
): void {
  const category = trans.__('MetaClaw');
  for (const command of [
    CommandIDs.openSidebar,
    CommandIDs.searchSkills,
    CommandIDs.nextTab,
    CommandIDs.previousTab,
    CommandIDs.goBack
  ]) {
    palette.addItem({ command, category });
  }
  for (const { id: tab } of TABS) {
    palette.addItem({ command: CommandIDs.showTab, category, args: { tab } });
  }
}
