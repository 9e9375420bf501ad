import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { TASK_OUTPUT } from '../models/taskFacts';
import { type ITaskWords, TaskOutput } from '../views/taskCard';
import { tell, whyTask } from './cellActions';
import { IProposalDesk } from './proposalTokens';

/** Shows what the kernel tells of a task, with what can be said of it. */
export const taskOutputs: JupyterFrontEndPlugin<void> = {
  id: 'metaclaw-jlab:task-outputs',
  description: 'Shows the outputs of tasks, to be judged and explained.',
  autoStart: true,
  requires: [IRenderMimeRegistry, IProposalDesk],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    { said, live }: IProposalDesk,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('metaclaw-jlab');
    const saying = (told: Promise<string>): void => {
      told.then(sentence => {
        live.say(sentence);
      }, tell);
    };
    const words: ITaskWords = {
      changed: said.changed,
      word: trajectory => said.word(trajectory),
      look: () => {
        void said.look();
      },
      say: (trajectory, word, reason) => {
        saying(said.say(trajectory, word, reason));
      },
      takeBack: trajectory => {
        saying(said.takeBack(trajectory));
      },
      why: trajectory => {
        whyTask(app.commands, trajectory, trans);
      }
    };
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [TASK_OUTPUT],
        createRenderer: () => new TaskOutput(words, trans)
      },
      0
    );
  }
};
