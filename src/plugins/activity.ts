import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { reportActivity } from '../api/activity';
import { PageActivity } from '../models/activity';

/** What a user does in a page; a handler below it may keep an event, so they are seen on their way down. */
const SIGNS = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const;

/** Tells the server that somebody works here, so that nothing is trained meanwhile. */
export const activity: JupyterFrontEndPlugin<void> = {
  id: 'metaclaw-jlab:activity',
  description:
    'Tells the server when there was a key or a pointer move in the page, and nothing else.',
  autoStart: true,
  activate: (app: JupyterFrontEnd): void => {
    const settings = app.serviceManager.serverSettings;
    const page = new PageActivity(secondsAgo =>
      reportActivity(secondsAgo, settings)
    );
    let place = '';
    const see = (event: Event): void => {
      if (event.type === 'pointermove') {
        // Browsers report a move where the page moved under a pointer that did not.
        const { screenX, screenY } = event as PointerEvent;
        const now = `${String(screenX)},${String(screenY)}`;
        if (now === place) {
          return;
        }
        place = now;
      }
      page.used();
    };
    for (const sign of SIGNS) {
      window.addEventListener(sign, see, { capture: true, passive: true });
    }
    page.used();
  }
};
