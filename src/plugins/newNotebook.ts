import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { pythonKernel, startingNotebook } from '../models/startingNotebook';
import { CommandIDs } from '../tokens';
import { metaclawIcon } from '../views/icon';
import { named } from '../views/words';

/** A new notebook that begins with an agent cell: a card in the launcher, and a command. */
export const newNotebook: JupyterFrontEndPlugin<void> = {
  id: 'metaclaw-jlab:new-notebook',
  description: 'Opens notebooks that begin with an agent cell.',
  autoStart: true,
  optional: [ILauncher, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const command = CommandIDs.newNotebook;
    app.commands.addCommand(command, {
      label: args =>
        args['isLauncher'] === true
          ? trans.__('MetaClaw Notebook')
          : named(trans.__('New notebook with an agent cell'), args, trans),
      caption: trans.__('A notebook that begins with a task for the agent'),
      icon: args => (args['isMenu'] === true ? undefined : metaclawIcon),
      describedBy: {
        args: { type: 'object', properties: { cwd: { type: 'string' } } }
      },
      execute: args =>
        open(app, typeof args['cwd'] === 'string' ? args['cwd'] : '')
    });
    launcher?.add({
      command,
      category: trans.__('Notebook'),
      rank: 10,
      // The cards of notebooks have their icons by URL.
      kernelIconUrl: `data:image/svg+xml,${encodeURIComponent(metaclawIcon.svgstr)}`,
      args: { isLauncher: true }
    });
    palette?.addItem({ command, category: trans.__('MetaClaw') });
  }
};

async function open(app: JupyterFrontEnd, folder: string): Promise<unknown> {
  const { contents, kernelspecs } = app.serviceManager;
  await kernelspecs.ready;
  const { path } = await contents.newUntitled({
    path: folder,
    type: 'notebook'
  });
  await contents.save(path, {
    type: 'notebook',
    format: 'json',
    content: startingNotebook(pythonKernel(kernelspecs.specs))
  });
  return app.commands.execute('docmanager:open', { path });
}
