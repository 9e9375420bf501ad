import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/** What the measure of an activation is called in the browser's performance log, after the plugin's id. */
export const ACTIVATION = ':activate';

/** A plugin that leaves in the performance log how long the page stood still while it was activated. */
export function measured<T>(
  plugin: JupyterFrontEndPlugin<T>
): JupyterFrontEndPlugin<T> {
  return {
    ...plugin,
    activate: (...given) => {
      const start = performance.now();
      const made = plugin.activate(...given);
      performance.measure(`${plugin.id}${ACTIVATION}`, { start });
      return made;
    }
  };
}
