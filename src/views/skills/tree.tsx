import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import React, {
  type KeyboardEvent,
  type ReactElement,
  useEffect,
  useId,
  useLayoutEffect,
  useRef
} from 'react';
import type { ITreeLine, Library } from '../../models/library';
import { useView } from '../context';
import { useSignal } from '../hooks';
import { TreeGroup, TreeSkill } from './treeLine';

const LINE = 24;
const AHEAD = 8;
/** As long as letters that are typed make one word. */
const WORD_MS = 700;

/** The library as a tree, of which only what is seen is in the page. The focus stays with the tree itself. */
export function SkillTree({ library }: { library: Library }): ReactElement {
  const { navigation, trans } = useView();
  useSignal(library.changed);
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const typed = useRef({ letters: '', at: 0 });
  const { active } = library;
  const virtual = useVirtualizer({
    count: library.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    overscan: AHEAD,
    initialOffset: library.scrolled,
    // Who hears the tree hears of the active line, wherever it is.
    rangeExtractor: range => {
      const seen = defaultRangeExtractor(range);
      return seen.includes(active) || active >= range.count
        ? seen
        : [...seen, active].sort((one, other) => one - other);
    }
  });
  const items = virtual.getVirtualItems();
  const { startIndex = 0, endIndex = -1 } = virtual.range ?? {};

  useEffect(() => {
    library.need(Math.max(0, startIndex - AHEAD), endIndex + AHEAD);
  });
  const question = library.groups.value?.question;
  useLayoutEffect(() => {
    // What is found by other words begins at the top.
    scroller.current?.scrollTo({ top: library.scrolled });
  }, [library, question]);
  useLayoutEffect(() => {
    const place = scroller.current;
    return () => {
      library.scrolled = place?.scrollTop ?? 0;
    };
  }, [library]);

  const go = (index: number): void => {
    const to = Math.max(0, Math.min(library.length - 1, index));
    library.activate(to);
    virtual.scrollToIndex(to);
  };
  const open = (line: ITreeLine): void => {
    if (line.offset === undefined) {
      library.toggle(line.group, !line.open);
    } else if (line.row) {
      navigation.go('skills', line.row.name);
    }
  };
  const find = (letter: string): void => {
    const now = performance.now();
    const { letters, at } = typed.current;
    const word = now - at < WORD_MS ? letters + letter : letter;
    typed.current = { letters: word, at: now };
    void library
      .find(word, word.length > 1 ? active : active + 1)
      .then(index => {
        if (index !== undefined && typed.current.letters === word) {
          go(index);
        }
      });
  };

  const press = (event: KeyboardEvent): void => {
    const line = library.line(active);
    if (!line || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const page = Math.max(
      1,
      Math.floor((scroller.current?.clientHeight ?? 0) / LINE) - 1
    );
    const steps: Record<string, () => void> = {
      ArrowDown: () => {
        go(active + 1);
      },
      ArrowUp: () => {
        go(active - 1);
      },
      PageDown: () => {
        go(active + page);
      },
      PageUp: () => {
        go(active - page);
      },
      Home: () => {
        go(0);
      },
      End: () => {
        go(library.length - 1);
      },
      ArrowRight: () => {
        if (line.offset === undefined && !line.open) {
          library.toggle(line.group, true);
        } else if (line.offset === undefined && line.group.count > 0) {
          go(active + 1);
        }
      },
      ArrowLeft: () => {
        if (line.offset !== undefined) {
          go(active - line.offset - 1);
        } else if (line.open) {
          library.toggle(line.group, false);
        }
      },
      Enter: () => {
        open(line);
      },
      ' ': () => {
        open(line);
      },
      '*': () => {
        library.toggleAll(true);
      }
    };
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      step();
    } else if (event.key.length === 1) {
      event.preventDefault();
      find(event.key);
    }
  };

  return (
    <div ref={scroller} className="mc-tree">
      <div
        className="mc-tree-lines"
        role="tree"
        aria-label={trans.__('Skills')}
        data-mc-focus
        aria-activedescendant={`${id}${String(active)}`}
        tabIndex={0}
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={press}
      >
        {items.map(({ index, start }) => {
          const line = library.line(index);
          if (!line) {
            return null;
          }
          const Line = line.offset === undefined ? TreeGroup : TreeSkill;
          return (
            <Line
              key={`${line.group.key} ${String(line.offset)}`}
              id={`${id}${String(index)}`}
              line={line}
              groups={library.groups.value?.groups.length ?? 0}
              by={library.groups.value?.by ?? ''}
              start={start}
              active={index === active}
              onPick={() => {
                library.activate(index);
                open(line);
              }}
            />
          );
        })}
      </div>
    </div>
  );
}
