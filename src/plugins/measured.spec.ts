import type { JupyterFrontEnd } from '@jupyterlab/application';
import { measured } from './measured';

describe('measured', () => {
  const app = {} as unknown as JupyterFrontEnd;
  const measure = jest.fn();

  beforeEach(() => {
    measure.mockClear();
    // jsdom keeps no performance log.
    Object.assign(performance, { measure });
  });

  it('gives what the plugin gives, from what it is given', async () => {
    const plugin = measured({
      id: 'x:y',
      activate: (_: JupyterFrontEnd, given: number) => given + 1
    });
    expect(await plugin.activate(app, 1)).toBe(2);
  });

  it('leaves a measure under the id of the plugin', () => {
    void measured({ id: 'x:y', activate: () => undefined }).activate(app);
    expect(measure).toHaveBeenCalledWith(
      'x:y:activate',
      expect.objectContaining({ start: expect.any(Number) as number })
    );
  });
});
