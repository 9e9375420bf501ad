import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { settingsIcon } from '@jupyterlab/ui-components';
import type { Widget } from '@lumino/widgets';
import { Doctor } from '../models/doctor';
import { SettingsForm } from '../models/settings';
import { CommandIDs, IHome } from '../tokens';
import type { IViewContext } from '../views/context';
import { DoctorPanel } from '../views/doctor';
import { metaclawIcon } from '../views/icon';
import { SettingsPanel } from '../views/settings/panel';
import { named } from '../views/words';

/** Something of ours that is opened as a page. */
interface IPage {
  /** What it is restored by: nothing with a colon. */
  name: string;
  command: string;
  label: (trans: TranslationBundle) => string;
  caption: (trans: TranslationBundle) => string;
  title: (trans: TranslationBundle) => string;
  icon: typeof metaclawIcon;
  make: () => Widget;
}

/** The settings and the doctor, as pages of the main area. */
export const settings: JupyterFrontEndPlugin<void> = {
  id: 'metaclaw-jlab:settings',
  description: 'Edits the configuration, and looks whether all is in order.',
  autoStart: true,
  requires: [IHome, IRenderMimeRegistry],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { connection, firstSteps, navigation }: IHome,
    rendermime: IRenderMimeRegistry,
    lab: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const { commands } = app;
    const context: IViewContext = {
      connection,
      firstSteps,
      navigation,
      commands,
      contents: app.serviceManager.contents,
      rendermime,
      trans
    };
    const doctor = new Doctor(connection);
    const look = (): void => {
      void commands.execute(CommandIDs.doctor);
      void doctor.look();
    };
    const pages: readonly IPage[] = [
      {
        name: 'metaclaw-settings',
        command: CommandIDs.openSettings,
        label: () => trans.__('Settings'),
        caption: () => trans.__('Change what the agent does'),
        title: () => trans.__('MetaClaw settings'),
        icon: settingsIcon,
        make: () =>
          new SettingsPanel(context, new SettingsForm(connection), { look })
      },
      {
        name: 'metaclaw-doctor',
        command: CommandIDs.doctor,
        label: () => trans.__('Look whether all is in order'),
        caption: () => trans.__('See what works here and what does not'),
        title: () => trans.__('MetaClaw doctor'),
        icon: metaclawIcon,
        make: () => new DoctorPanel(context, doctor)
      }
    ];
    for (const page of pages) {
      addPage(app, page, lab, restorer, trans);
      palette?.addItem({
        command: page.command,
        category: trans.__('MetaClaw')
      });
    }
  }
};

function addPage(
  app: JupyterFrontEnd,
  page: IPage,
  lab: ILabShell | null,
  restorer: ILayoutRestorer | null,
  trans: TranslationBundle
): void {
  const { commands, shell } = app;
  const { command, icon, name } = page;
  const tracker = new WidgetTracker<MainAreaWidget>({ namespace: name });
  let open: MainAreaWidget | undefined;
  commands.addCommand(command, {
    label: args => named(page.label(trans), args, trans),
    caption: page.caption(trans),
    icon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async () => {
      if (!open || open.isDisposed) {
        const content = page.make();
        open = new MainAreaWidget({ content });
        open.id = `${content.id}-page`;
        open.title.label = page.title(trans);
        open.title.caption = page.caption(trans);
        open.title.icon = icon;
        open.title.closable = true;
        open.toolbar.hide();
      }
      if (!open.isAttached) {
        // Notebook 7 has room for one page: beside it is a panel.
        shell.add(open, lab ? 'main' : 'right');
      }
      if (!tracker.has(open)) {
        await tracker.add(open);
      }
      shell.activateById(open.id);
    }
  });
  if (lab && restorer) {
    void restorer.restore(tracker, {
      command,
      args: () => ({}),
      name: () => name
    });
  }
}
