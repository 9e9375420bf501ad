import { act, renderHook } from '@testing-library/react';
import { type ISeenRows, useSeenRows } from './seenRows';

const MARGIN = 100;
const HEIGHT = 40;

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let sized: () => void = () => undefined;
Object.assign(globalThis, {
  ResizeObserver: class {
    constructor(look: () => void) {
      sized = look;
    }
    observe(): void {}
    disconnect(): void {}
  }
});

/** A panel as high as ten rows, and what is seen in it. */
function panelOf(rows = 10): {
  panel: HTMLElement;
  grow: (rows: number) => void;
  seen: () => ISeenRows;
  unmount: () => void;
} {
  const panel = document.createElement('div');
  let height = rows * HEIGHT;
  Object.defineProperty(panel, 'clientHeight', { get: () => height });
  const { result, unmount } = renderHook(() =>
    useSeenRows(panel, MARGIN, HEIGHT)
  );
  const grow = (more: number): void => {
    height = more * HEIGHT;
    act(sized);
  };
  return { panel, grow, seen: () => result.current, unmount };
}

function scroll(panel: HTMLElement, top: number): void {
  panel.scrollTop = top;
  act(() => {
    panel.dispatchEvent(new Event('scroll'));
  });
}

describe('useSeenRows', () => {
  it('begins under what is over the list', () => {
    expect(panelOf().seen()).toEqual({ first: 0, last: 7 });
  });

  it('follows the panel, with the rows that are seen in part', () => {
    const { panel, seen } = panelOf();
    scroll(panel, MARGIN + 50 * HEIGHT);
    expect(seen()).toEqual({ first: 50, last: 59 });
    scroll(panel, MARGIN + 50 * HEIGHT + 1);
    expect(seen()).toEqual({ first: 50, last: 60 });
  });

  it('follows the size of the panel', () => {
    const { grow, seen } = panelOf();
    grow(20);
    expect(seen()).toEqual({ first: 0, last: 17 });
  });

  it('sees none in no panel', () => {
    const { result } = renderHook(() => useSeenRows(null, MARGIN, HEIGHT));
    expect(result.current.last).toBeLessThan(result.current.first);
  });

  it('leaves the panel alone afterwards', () => {
    const { panel, seen, unmount } = panelOf();
    const before = seen();
    unmount();
    scroll(panel, 9000);
    expect(seen()).toEqual(before);
  });
});
