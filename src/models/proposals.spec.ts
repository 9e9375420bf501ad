import { YNotebook } from '@jupyter/ydoc';
import { fixMetadata } from './fix';
import { Proposals } from './proposals';
import { HELD_MS, Rejections } from './rejections';
import { TASK_OUTPUT } from './taskFacts';

const MARK = { trajectory: '0a1b2c', step: 1 };
const SOURCE = '# metaclaw:0a1b2c\nx = 1';
const PROTECT = { tags: ['metaclaw-protect'] };

const TASK = {
  version: 1,
  package: '0.1.0',
  home: 'ab',
  trajectory: MARK.trajectory,
  generation: 7,
  adapter: null,
  skills: [{ name: 'iso-dates', sha256: 'cd' }],
  stop: null,
  waits: true,
  sentence: 'MetaClaw: proposed'
};

describe('proposals in a notebook', () => {
  let notebook: YNotebook;
  let rejections: Rejections;
  let told: string[];
  let proposals: Proposals;

  beforeEach(() => {
    jest.useFakeTimers();
    notebook = YNotebook.create();
    notebook.insertCells(0, [
      { id: 'code', cell_type: 'code', source: 'y = 2' },
      { id: 'task', cell_type: 'code', source: '%%metaclaw\nSet x.' }
    ]);
    told = [];
    rejections = new Rejections(({ mark, reason }) => {
      told.push(`${mark.trajectory}/${String(mark.step)} ${reason}`.trim());
      return Promise.resolve(true);
    });
    proposals = new Proposals(notebook, rejections);
  });

  afterEach(() => {
    proposals.dispose();
    rejections.dispose();
    jest.useRealTimers();
  });

  function propose(source = SOURCE, id = 'proposal'): string {
    notebook.insertCell(2, { id, cell_type: 'code', source });
    return id;
  }

  function run(id: string, count = 1): void {
    const entry = proposals.runs(id);
    const cell = notebook.cells.find(one => one.getId() === id);
    if (cell?.cell_type === 'code' && 'setOutputs' in cell) {
      cell.setOutputs([{ output_type: 'stream', name: 'stdout', text: 'ran' }]);
      cell.execution_count = count;
    }
    if (entry) {
      proposals.ran(id);
    }
  }

  const sources = (): string[] => notebook.cells.map(cell => cell.getSource());
  const state = (id: string): string | undefined => proposals.get(id)?.state;

  it('are welcomed with their provenance', () => {
    const came: string[] = [];
    proposals.came.connect((_, { cell }) => {
      came.push(cell);
    });
    propose();
    expect(came).toEqual(['proposal']);
    expect(notebook.getCell(2).getMetadata('metaclaw')).toMatchObject({
      trajectory: MARK.trajectory,
      state: 'proposed'
    });
  });

  it('know under what their task was done, as soon as it is told', () => {
    propose();
    const task = notebook.getCell(1);
    if ('setOutputs' in task) {
      task.setOutputs([
        {
          output_type: 'display_data',
          data: { [TASK_OUTPUT]: TASK },
          metadata: {}
        }
      ]);
    }
    proposals.refresh();
    expect(proposals.get('proposal')?.provenance).toMatchObject({
      generation: 7,
      skills: TASK.skills
    });
    expect(proposals.taskOf('task')).toBe(MARK.trajectory);
    expect(proposals.taskOf('code')).toBeNull();
  });

  it('are not written into a notebook that is only opened', () => {
    const opened = YNotebook.create();
    opened.insertCell(0, { cell_type: 'code', source: SOURCE });
    opened.dirty = false;
    const other = new Proposals(opened, rejections);
    expect(other.waiting).toHaveLength(1);
    expect(opened.dirty).toBe(false);
    other.dispose();
  });

  it('are accepted, and not by it run', () => {
    proposals.accept(propose());
    expect(state('proposal')).toBe('accepted');
    expect(proposals.waiting).toEqual([]);
    expect(sources()).toHaveLength(3);
  });

  it('are accepted by running them', () => {
    run(propose());
    expect(state('proposal')).toBe('accepted');
    expect(proposals.journal.undoable?.act).toBe('run');
  });

  it('leave nothing behind when they are rejected', () => {
    const before = notebook.toJSON();
    proposals.reject(propose());
    expect(notebook.toJSON()).toEqual(before);
  });

  it('tell their task of a rejection when it can no longer be undone', () => {
    proposals.reject(propose(), 'wrong column');
    jest.advanceTimersByTime(HELD_MS);
    expect(told).toEqual(['0a1b2c/1 wrong column']);
  });

  it('tell their task of a deletion, too', () => {
    propose();
    notebook.deleteCell(2);
    jest.advanceTimersByTime(HELD_MS);
    expect(told).toEqual(['0a1b2c/1']);
  });

  it.each([
    ['our undo', (): void => void proposals.undo()],
    ['the notebook’s undo', (): void => void notebook.undo()]
  ])('tell nothing that was undone by %s', (_, undo) => {
    propose();
    const before = notebook.toJSON();
    proposals.reject('proposal');
    undo();
    jest.advanceTimersByTime(HELD_MS);
    expect(told).toEqual([]);
    expect(notebook.toJSON()).toEqual(before);
  });

  it('tell nothing when an accepted cell is deleted', () => {
    proposals.accept(propose());
    notebook.deleteCell(2);
    jest.advanceTimersByTime(HELD_MS);
    expect(told).toEqual([]);
  });

  it('tell nothing when a cell is moved, or another version is read from the disk', () => {
    propose();
    notebook.moveCell(2, 0);
    notebook.fromJSON({
      ...notebook.toJSON(),
      cells: [
        {
          cell_type: 'code',
          source: 'z',
          metadata: {},
          outputs: [],
          execution_count: null
        }
      ]
    });
    jest.advanceTimersByTime(HELD_MS);
    expect(told).toEqual([]);
  });

  it('restore text, outputs and metadata when a run is undone', () => {
    propose();
    const before = notebook.toJSON();
    run('proposal');
    const after = notebook.toJSON();
    expect(after).not.toEqual(before);
    expect(proposals.undo().kind).toBe('done');
    expect(notebook.toJSON()).toEqual(before);
    expect(proposals.redo().kind).toBe('done');
    expect(notebook.toJSON()).toEqual(after);
  });

  it('keep what was typed while the cell ran', () => {
    propose();
    proposals.runs('proposal');
    notebook.getCell(2).setSource(`${SOURCE}0`);
    proposals.ran('proposal');
    proposals.undo();
    expect(sources()[2]).toBe(`${SOURCE}0`);
  });

  it('are not undone while their cell runs', () => {
    proposals.runs(propose());
    expect(proposals.undo().kind).toBe('running');
  });

  it.each([
    [
      'was moved',
      (): void => {
        notebook.moveCell(2, 0);
      }
    ],
    [
      'was deleted',
      (): void => {
        notebook.deleteCell(2);
      }
    ],
    [
      'lost its kernel',
      (): void => {
        proposals.stopped();
      }
    ]
  ])('can be undone where the cell that ran %s', (_, happen) => {
    proposals.runs(propose());
    happen();
    expect(proposals.journal.entries[0]?.running).toBe(false);
  });

  it('are undone out of order', () => {
    propose();
    propose('# metaclaw:ffffff\ny = 1', 'other');
    const first = proposals.accept('proposal');
    proposals.accept('other');
    expect(proposals.undo(first?.number).kind).toBe('done');
    expect([state('proposal'), state('other')]).toEqual([
      'proposed',
      'accepted'
    ]);
  });

  it('are not undone over later work unless that is wanted', () => {
    propose();
    run('proposal');
    run('proposal');
    const cell = notebook.getCell(2);
    if ('setOutputs' in cell) {
      cell.setOutputs([]);
    }
    const before = notebook.toJSON();
    expect(proposals.undo().kind).toBe('changed');
    expect(notebook.toJSON()).toEqual(before);
    expect(proposals.undo(undefined, true).kind).toBe('done');
    expect(state('proposal')).toBe('proposed');
  });

  describe('for another cell', () => {
    beforeEach(() => {
      notebook.getCell(1).setMetadata(fixMetadata('code') as never);
      propose();
    });

    it('change it when they are accepted, in one transaction', () => {
      let transactions = 0;
      notebook.ydoc.on(
        'afterTransaction',
        (one: { changed: Map<unknown, unknown> }) => {
          transactions += one.changed.size > 0 && !isState(one) ? 1 : 0;
        }
      );
      proposals.accept('proposal');
      expect(transactions).toBe(1);
      expect(sources()).toEqual([SOURCE, '%%metaclaw\nSet x.']);
      expect(proposals.get('code')?.state).toBe('accepted');
    });

    it('tell no rejection by it, and come back when it is undone', () => {
      const before = notebook.toJSON();
      proposals.accept('proposal');
      jest.advanceTimersByTime(HELD_MS);
      expect(told).toEqual([]);
      expect(proposals.undo().kind).toBe('done');
      expect(notebook.toJSON()).toEqual(before);
    });

    it('take what came of running it back with it', () => {
      const before = notebook.toJSON();
      proposals.accept('proposal', true);
      expect(proposals.runs('code')).toBeNull();
      const cell = notebook.getCell(0);
      if ('setOutputs' in cell) {
        cell.setOutputs([{ output_type: 'stream', name: 'stdout', text: 'x' }]);
      }
      proposals.ran('code');
      expect(proposals.undo().kind).toBe('done');
      expect(notebook.toJSON()).toEqual(before);
    });

    it('are not accepted where that is protected', () => {
      notebook.getCell(0).setMetadata(PROTECT as never);
      const before = notebook.toJSON();
      expect(proposals.accept('proposal')).toBeNull();
      expect(notebook.toJSON()).toEqual(before);
      expect(proposals.reject('proposal')).not.toBeNull();
    });

    it('stand for themselves where that is gone', () => {
      notebook.deleteCell(0);
      proposals.accept('proposal');
      expect(state('proposal')).toBe('accepted');
    });
  });

  it('are left alone where they are protected', () => {
    propose();
    notebook.getCell(2).setMetadata(PROTECT as never);
    expect(proposals.accept('proposal')).toBeNull();
    expect(proposals.reject('proposal')).toBeNull();
    expect(proposals.runs('proposal')).toBeNull();
    expect(sources()).toHaveLength(3);
  });

  it('are not undone in a cell that was protected since', () => {
    proposals.accept(propose());
    notebook.getCell(2).setMetadata(PROTECT as never);
    const before = notebook.toJSON();
    expect(proposals.undo(undefined, true).kind).toBe('protected');
    expect(notebook.toJSON()).toEqual(before);
  });
});

/** Whether a transaction only marks the document as changed. */
function isState(transaction: { changed: Map<unknown, unknown> }): boolean {
  return [...transaction.changed.values()].every(
    keys =>
      keys instanceof Set &&
      [...(keys as Set<unknown>)].every(key => key === 'dirty')
  );
}
