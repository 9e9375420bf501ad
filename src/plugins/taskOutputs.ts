import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { Desk, IOpenNotebook } from '../models/desk';
import { TASK_OUTPUT } from '../models/taskFacts';
import { endUnderWay, hasUnderWay } from '../models/underWay';
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
    { desk, said, live }: IProposalDesk,
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
    endWithKernels(
      desk,
      trans.__('MetaClaw: the end of this task was not seen here')
    );
  }
};

/** What a kernel has sent by the time that it rests may be on its way still. */
const LATE_MS = 1000;

const GONE = ['restarting', 'autorestarting', 'terminating', 'dead'];

/**
 * Leave no output that says that a task goes on where its kernel is gone, or
 * rests when the notebook is opened: what was sent to a page that is no more
 * comes to nobody.
 */
function endWithKernels(desk: Desk, sentence: string): void {
  const follow = ({ panel, notebook, proposals }: IOpenNotebook): void => {
    const { sessionContext } = panel;
    let opening = false;
    // Only what the file holds: what comes from now on is heard to its end.
    void panel.context.ready.then(() => {
      const shared = notebook.model?.sharedModel;
      opening = shared !== undefined && hasUnderWay(shared);
      look();
    });
    let wait = 0;
    const end = (): void => {
      const { model } = notebook;
      if (!proposals.isDisposed && model && !model.readOnly) {
        endUnderWay(model.sharedModel, sentence);
      }
    };
    const rests = (): boolean =>
      sessionContext.hasNoKernel ||
      sessionContext.kernelDisplayStatus === 'idle';
    const rested = (): void => {
      if (opening && rests()) {
        opening = false;
        end();
      }
    };
    const look = (): void => {
      if (!rests()) {
        wait = LATE_MS;
      } else if (wait === 0) {
        rested();
      } else if (opening) {
        setTimeout(rested, wait);
      }
    };
    sessionContext.statusChanged.connect((_, status) => {
      if (GONE.includes(status)) {
        end();
      }
      look();
    });
    void sessionContext.ready.then(look);
  };
  desk.all.forEach(follow);
  desk.opened.connect((_, open) => {
    follow(open);
  });
}
