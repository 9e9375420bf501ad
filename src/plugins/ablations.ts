import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { NEW_ABLATION, runSubject } from '../models/ablationPlace';
import { CommandIDs, IHome } from '../tokens';
import { named } from '../views/words';

/** The ways to ablations from the palette, and for whoever has begun one elsewhere. */
export const ablations: JupyterFrontEndPlugin<void> = {
  id: 'metaclaw-jlab:ablations',
  description: 'Opens ablations in the sidebar.',
  autoStart: true,
  requires: [IHome],
  optional: [ICommandPalette, ITranslator],
  activate: (
    { commands }: JupyterFrontEnd,
    { navigation }: IHome,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    commands.addCommand(CommandIDs.newAblation, {
      label: args => named(trans.__('New ablation'), args, trans),
      caption: trans.__('Compare arms of the agent on the same tasks'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        navigation.go('ablations', NEW_ABLATION);
        return commands.execute(CommandIDs.openSidebar);
      }
    });
    commands.addCommand(CommandIDs.showAblations, {
      label: args => named(trans.__('Show ablations'), args, trans),
      describedBy: {
        args: { type: 'object', properties: { number: { type: 'integer' } } }
      },
      execute: args => {
        const number = args['number'];
        navigation.go(
          'ablations',
          typeof number === 'number' ? runSubject(number) : undefined
        );
        return commands.execute(CommandIDs.openSidebar);
      }
    });
    for (const command of [CommandIDs.newAblation, CommandIDs.showAblations]) {
      palette?.addItem({ command, category: trans.__('MetaClaw') });
    }
  }
};
