import type { JupyterFrontEnd } from '@jupyterlab/application';
import { reportActivity } from '../api/activity';
import { QUIET_MS, USED_MS } from '../models/activity';
import { activity } from './activity';

jest.mock('../api/activity', () => ({
  reportActivity: jest.fn(() => Promise.resolve(true))
}));

const told = jest.mocked(reportActivity);
const serverSettings = { baseUrl: 'http://localhost:8888/' };

function move(screenX: number): void {
  // jsdom has no PointerEvent.
  document.body.dispatchEvent(
    new MouseEvent('pointermove', { screenX, bubbles: true })
  );
}

describe('the activity of the page', () => {
  beforeAll(async () => {
    jest.useFakeTimers();
    await activity.activate({
      serviceManager: { serverSettings }
    } as unknown as JupyterFrontEnd);
  });

  beforeEach(() => {
    jest.advanceTimersByTime(USED_MS);
    told.mockClear();
  });

  afterAll(() => {
    jest.useRealTimers();
  });

  it('is a key, wherever it is pressed and whoever handles it', () => {
    const field = document.body.appendChild(document.createElement('input'));
    field.addEventListener('keydown', event => {
      event.stopPropagation();
    });
    field.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true }));
    expect(told).toHaveBeenCalledWith(0, serverSettings);
  });

  it('is a pointer that moves', () => {
    move(1);
    expect(told).toHaveBeenCalledTimes(1);
  });

  it('is no page that moves under the pointer', () => {
    move(2);
    jest.advanceTimersByTime(USED_MS);
    told.mockClear();
    move(2);
    expect(told).not.toHaveBeenCalled();
  });

  it('is told as missing while the page is open', () => {
    jest.advanceTimersByTime(QUIET_MS);
    expect(told).toHaveBeenCalledTimes(1);
    expect(told.mock.calls[0]?.[0]).toBeGreaterThan(4);
  });
});
