import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Overview } from '../models/overview';
import { type Act, type IOutcome, Steering } from '../models/steering';
import { CommandIDs, IHelm, IHome } from '../tokens';
import { tellOutcome } from '../views/outcome';
import { named, PAUSES, pauseInWords } from '../views/words';

interface IAct {
  id: string;
  act: Act;
  label: (trans: TranslationBundle, args: ReadonlyPartialJSONObject) => string;
  caption: (trans: TranslationBundle) => string;
  run: (
    steering: Steering,
    args: ReadonlyPartialJSONObject
  ) => Promise<IOutcome>;
}

const ACTS: readonly IAct[] = [
  {
    id: CommandIDs.trainNow,
    act: 'train',
    label: trans => trans.__('Train now'),
    caption: trans =>
      trans.__('Train on the tasks that wait; activity does not stop it'),
    run: steering => steering.trainNow()
  },
  {
    id: CommandIDs.stopTraining,
    act: 'stop',
    label: trans => trans.__('Stop training'),
    caption: trans => trans.__('Stop what trains, so that it can go on later'),
    run: steering => steering.stop()
  },
  {
    id: CommandIDs.pause,
    act: 'pause',
    label: (trans, args) => pauseInWords(minutesOf(args), trans),
    caption: trans => trans.__('Train nothing by itself for a while'),
    run: (steering, args) => steering.pause(minutesOf(args))
  },
  {
    id: CommandIDs.resume,
    act: 'resume',
    label: trans => trans.__('Resume training by itself'),
    caption: trans => trans.__('Take the pause back'),
    run: steering => steering.resume()
  }
];

/** Trains, stops, pauses and resumes: commands, for buttons, menus, the palette and shortcuts. */
export const steering: JupyterFrontEndPlugin<IHelm> = {
  id: 'metaclaw-jlab:steering',
  description: 'Lets the user train, stop, pause and resume.',
  autoStart: true,
  provides: IHelm,
  requires: [IHome],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    { connection }: IHome,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): IHelm => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const overview = new Overview(connection);
    const steering = new Steering(connection, overview, trans);
    for (const act of ACTS) {
      addAct(app, act, steering, trans);
    }
    const changed = (): void => {
      for (const { id } of ACTS) {
        app.commands.notifyCommandChanged(id);
      }
    };
    connection.stateChanged.connect(changed);
    steering.changed.connect(changed);
    overview.schedule.changed.connect(changed);
    if (palette) {
      addToPalette(palette, trans);
    }
    return { overview, steering };
  }
};

function addAct(
  app: JupyterFrontEnd,
  { id, act, label, caption, run }: IAct,
  steering: Steering,
  trans: TranslationBundle
): void {
  app.commands.addCommand(id, {
    label: args => named(label(trans, args), args, trans),
    caption: caption(trans),
    describedBy: {
      args: {
        type: 'object',
        properties:
          act === 'pause' ? { minutes: { type: 'number', minimum: 1 } } : {}
      }
    },
    isEnabled: () => steering.allows(act),
    execute: args => tellOutcome(run(steering, args), trans)
  });
}

function addToPalette(
  palette: ICommandPalette,
  trans: TranslationBundle
): void {
  const category = trans.__('MetaClaw');
  for (const { id } of ACTS) {
    if (id === CommandIDs.pause) {
      for (const minutes of PAUSES) {
        const args = minutes === undefined ? {} : { minutes };
        palette.addItem({ command: id, category, args });
      }
    } else {
      palette.addItem({ command: id, category });
    }
  }
}

function minutesOf(args: ReadonlyPartialJSONObject): number | undefined {
  const { minutes } = args;
  return typeof minutes === 'number' && minutes > 0 ? minutes : undefined;
}
