import { type ISharedCell, YNotebook } from '@jupyter/ydoc';
import type { INotebookContent } from '@jupyterlab/nbformat';
import { applyUpdate, encodeStateAsUpdate } from 'yjs';
import {
  expected,
  type IPlain,
  outputsOf,
  PlainNotebook
} from '../testing/plainNotebook';
import type { IEntry } from './journal';
import { markKey } from './mark';
import { Proposals } from './proposals';
import { Rejections } from './rejections';

const OPERATIONS = 200;

jest.setTimeout(60_000);

/** A small generator of numbers, the same for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return sides => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

/** Two shared documents, each of which hears at once what is done in the other. */
function peers(): [YNotebook, YNotebook] {
  const here = YNotebook.create();
  const there = new YNotebook();
  applyUpdate(there.ydoc, encodeStateAsUpdate(here.ydoc), 'here');
  here.ydoc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'there') {
      applyUpdate(there.ydoc, update, 'here');
    }
  });
  there.ydoc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'here') {
      applyUpdate(here.ydoc, update, 'there');
    }
  });
  return [here, there];
}

/** One user, and where there is a `peer` another one, at a notebook and its model at once. */
class Session {
  constructor(
    readonly notebook: YNotebook,
    readonly peer: YNotebook | null,
    seed: number
  ) {
    this.roll = dice(seed);
    this.rejections = new Rejections(() => Promise.resolve(true));
    this.proposals = new Proposals(notebook, this.rejections);
    for (let index = 0; index < 3; index++) {
      this.insert(index, null, notebook);
    }
  }

  readonly model = new PlainNotebook();
  readonly roll: (sides: number) => number;
  readonly rejections: Rejections;
  readonly proposals: Proposals;
  readonly proposed = new Map<string, string>();
  readonly entries: IEntry[] = [];

  step(): void {
    const { cells } = this.model;
    const cell = cells[this.roll(cells.length)];
    const waiting = cells.filter(one => one.state === 'proposed');
    const chosen = waiting[this.roll(Math.max(1, waiting.length))];
    const force = this.roll(4) === 0;
    const number =
      this.roll(3) === 0 && this.entries.length > 0
        ? this.roll(this.entries.length)
        : undefined;
    const side = this.peer && this.roll(3) === 0 ? this.peer : this.notebook;
    switch (this.roll(11)) {
      case 0:
      case 1:
        this.propose();
        break;
      case 2:
        this.accept(chosen);
        break;
      case 3:
        this.run(chosen);
        break;
      case 4:
        this.reject(chosen);
        break;
      case 5:
        this.edit(cell, side);
        break;
      case 6:
        this.remove(cell, side);
        break;
      case 7:
        this.move(cell, side);
        break;
      case 8:
      case 9:
        this.proposals.undo(this.number(number), force);
        this.model.undo(number, force);
        break;
      default:
        this.proposals.redo(this.number(number), force);
        this.model.redo(number, force);
    }
  }

  propose(): void {
    const trajectory = (0xabc000 + this.proposed.size).toString(16);
    this.insert(1 + this.roll(this.model.cells.length), trajectory);
  }

  accept(cell: IPlain | undefined): void {
    if (cell) {
      this.keep(this.proposals.accept(cell.id));
      this.model.act(cell.id, () => {
        this.model.replace(cell.id, { state: 'accepted' });
      });
    }
  }

  run(cell: IPlain | undefined): void {
    if (cell) {
      const ran = ++this.count;
      const entry = this.proposals.runs(cell.id);
      const shared = this.shared(this.notebook, cell.id);
      if (shared.cell_type === 'code' && 'setOutputs' in shared) {
        shared.setOutputs(outputsOf(ran));
        shared.execution_count = ran;
      }
      this.keep(entry);
      this.proposals.ran(cell.id);
      this.model.act(cell.id, () => {
        this.model.replace(cell.id, { state: 'accepted', ran });
      });
    }
  }

  reject(cell: IPlain | undefined): void {
    if (cell) {
      this.keep(this.proposals.reject(cell.id));
      this.model.act(cell.id, () => {
        this.model.become(this.model.cells.filter(one => one.id !== cell.id));
      });
    }
  }

  compare(): void {
    const told = this.notebook.toJSON();
    expect(told.cells).toEqual(expected(this.model, this.proposed));
    if (this.peer) {
      expect(this.peer.toJSON().cells).toEqual(told.cells);
    }
    const held = [...this.proposed.keys()].filter(trajectory =>
      this.rejections.holds({ trajectory, step: 1 })
    );
    expect(new Set(held)).toEqual(this.model.held);
    expect(this.proposals.waiting.map(({ mark }) => markKey(mark))).toEqual(
      this.model.cells.flatMap(cell =>
        cell.state === 'proposed' ? [`${cell.mark ?? ''}/1`] : []
      )
    );
  }

  dispose(): void {
    this.proposals.dispose();
    this.rejections.dispose();
  }

  private insert(
    index: number,
    mark: string | null,
    side: YNotebook = this.notebook
  ): void {
    const id = `cell-${String(++this.count)}`;
    const source = mark ? `# metaclaw:${mark}\n${id}` : id;
    if (mark) {
      this.proposed.set(mark, source);
    }
    side.insertCell(index, { id, cell_type: 'code', source });
    const state = mark ? 'proposed' : null;
    this.model.insert(index, { id, source, ran: null, state, mark });
  }

  private edit(cell: IPlain | undefined, side: YNotebook): void {
    if (cell) {
      const source = `${cell.source}!`;
      this.shared(side, cell.id).setSource(source);
      this.model.replace(cell.id, { source });
    }
  }

  private remove(cell: IPlain | undefined, side: YNotebook): void {
    if (cell && this.model.cells.length > 1) {
      side.deleteCell(this.model.cells.indexOf(cell));
      this.model.become(
        this.model.cells.filter(one => one !== cell),
        side === this.notebook
      );
    }
  }

  private move(cell: IPlain | undefined, side: YNotebook): void {
    if (cell) {
      const to = this.roll(this.model.cells.length);
      side.moveCell(this.model.cells.indexOf(cell), to);
      const rest = this.model.cells.filter(one => one !== cell);
      this.model.become([...rest.slice(0, to), cell, ...rest.slice(to)]);
    }
  }

  private keep(entry: IEntry | null): void {
    if (!entry) {
      throw new Error('A proposal that waits could not be decided on.');
    }
    this.entries.push(entry);
  }

  private number(index: number | undefined): number | undefined {
    return index === undefined ? undefined : this.entries[index]?.number;
  }

  private shared(side: YNotebook, id: string): ISharedCell {
    return side.getCell(side.cells.findIndex(cell => cell.getId() === id));
  }

  private count = 0;
}

const SEEDS = Array.from({ length: 6 }, (_, index) => index + 1);

describe('200 random operations', () => {
  let session: Session;

  afterEach(() => {
    session.dispose();
  });

  it.each(SEEDS)('leave the notebook equal to a model of it (%i)', seed => {
    session = new Session(YNotebook.create(), null, seed);
    for (let count = 0; count < OPERATIONS; count++) {
      session.step();
      session.compare();
    }
    expect(session.entries.length).toBeGreaterThan(20);
  });

  it.each(SEEDS)('do so with a peer at the same notebook (%i)', seed => {
    session = new Session(...peers(), 1000 + seed);
    for (let count = 0; count < OPERATIONS; count++) {
      session.step();
      session.compare();
    }
    expect(session.entries.length).toBeGreaterThan(20);
  });

  it.each(SEEDS)('all undone leave it as it was (%i)', seed => {
    session = new Session(YNotebook.create(), null, 2000 + seed);
    for (let count = 0; count < 60; count++) {
      session.propose();
    }
    const before = JSON.stringify(session.notebook.toJSON());
    const acts = ['accept', 'run', 'reject'] as const;
    const states: INotebookContent[] = [];
    for (const cell of [...session.model.cells].filter(one => one.mark)) {
      session[acts[session.roll(acts.length)] ?? 'accept'](cell);
      states.push(session.notebook.toJSON());
    }
    while (session.proposals.journal.undoable) {
      expect(session.notebook.toJSON()).toEqual(states.pop());
      expect(session.proposals.undo().kind).toBe('done');
    }
    expect(JSON.stringify(session.notebook.toJSON())).toBe(before);
  });
});
