import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { isCodeCellModel } from '@jupyterlab/cells';
import {
  INotebookTracker,
  NotebookActions,
  type NotebookPanel
} from '@jupyterlab/notebook';
import { IStateDB } from '@jupyterlab/statedb';
import type { IKernelNews } from '../models/firstSteps';
import { kernelNewsOf } from '../models/kernelNews';
import { IHome } from '../tokens';

const PLUGIN = 'metaclaw-jlab:first-steps';

/** Knows of which version the kernel in sight is, and keeps which hints were put away. */
export const firstSteps: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'Tells who begins what is missing, and what to do next.',
  autoStart: true,
  requires: [IHome],
  optional: [INotebookTracker, IStateDB],
  activate: (
    _: JupyterFrontEnd,
    { firstSteps }: IHome,
    notebooks: INotebookTracker | null,
    state: IStateDB | null
  ): void => {
    if (state) {
      void state.fetch(PLUGIN).then(kept => {
        firstSteps.restore(kept);
        firstSteps.changed.connect(() => {
          void state.save(PLUGIN, firstSteps.toJSON());
        });
      });
    }
    if (!notebooks) {
      return;
    }
    // What lies in a saved notebook was said by a kernel of long ago: only what runs now counts.
    const heard = new WeakMap<NotebookPanel, IKernelNews>();
    const show = (): void => {
      const panel = notebooks.currentWidget;
      firstSteps.hear(panel ? heard.get(panel) : undefined);
    };
    notebooks.widgetAdded.connect((_, panel) => {
      panel.sessionContext.kernelChanged.connect(() => {
        heard.delete(panel);
        show();
      });
      panel.sessionContext.statusChanged.connect((_, status) => {
        if (status === 'restarting' || status === 'autorestarting') {
          heard.delete(panel);
          show();
        }
      });
    });
    notebooks.currentChanged.connect(show);
    NotebookActions.executed.connect((_, { notebook, cell }) => {
      const panel = notebooks.find(({ content }) => content === notebook);
      const { model } = cell;
      if (!panel || !isCodeCellModel(model)) {
        return;
      }
      for (let index = 0; index < model.outputs.length; index++) {
        const news = kernelNewsOf(model.outputs.get(index).data);
        if (news) {
          heard.set(panel, news);
        }
      }
      show();
    });
  }
};
