import { YNotebook } from '@jupyter/ydoc';
import type { IOutput } from '@jupyterlab/nbformat';
import { correctionIn, reasonFor } from './correction';
import {
  proposedProvenance,
  provenanceToJSON,
  UNKNOWN_STAMP
} from './provenance';
import { TASK_OUTPUT } from './taskFacts';

const MARK = { trajectory: '0a1b2c', step: 1 };
const SOURCE = '# metaclaw:0a1b2c\nx = 1';
const ERROR: IOutput = {
  output_type: 'error',
  ename: 'TaskFailed',
  evalue: 'a check failed',
  traceback: []
};
const TASK: IOutput = {
  output_type: 'display_data',
  data: {
    [TASK_OUTPUT]: { version: 1, trajectory: '0a1b2c', sentence: 'failed' }
  },
  metadata: {}
};

interface ICode {
  id: string;
  source: string;
  outputs?: IOutput[];
  metadata?: object;
  execution_count?: number;
}

function notebook(...cells: ICode[]): YNotebook {
  const made = YNotebook.create();
  made.insertCells(
    0,
    cells.map(cell => ({ cell_type: 'code', ...cell }) as never)
  );
  return made;
}

const metadata = {
  metaclaw: provenanceToJSON({
    ...proposedProvenance(MARK, SOURCE, UNKNOWN_STAMP, null),
    state: 'accepted'
  })
};

describe('what a cell corrects', () => {
  it('is the proposal in it that was edited and run', () => {
    const cell = {
      id: 'a',
      source: `${SOURCE}0`,
      metadata,
      execution_count: 3
    };
    expect(correctionIn(notebook(cell), 'a')).toEqual({
      mark: MARK,
      code: 'x = 10',
      edited: true
    });
  });

  it.each([
    ['was not run', { id: 'a', source: `${SOURCE}0`, metadata }],
    [
      'was not edited',
      { id: 'a', source: SOURCE, metadata, execution_count: 3 }
    ]
  ])('is no proposal that %s', (_, cell) => {
    expect(correctionIn(notebook(cell), 'a')).toBeNull();
  });

  it('is the failed task over it', () => {
    const made = notebook(
      { id: 'a', source: '%%metaclaw\ntask', outputs: [TASK, ERROR] },
      { id: 'b', source: 'x = 10' }
    );
    expect(correctionIn(made, 'b')).toEqual({
      mark: MARK,
      code: 'x = 10',
      edited: false
    });
    expect(correctionIn(made, 'a')).toBeNull();
  });

  it.each([
    ['that went well', [TASK], 'x = 10'],
    ['whose output tells nothing', [ERROR], 'x = 10'],
    ['with nothing under it', [TASK, ERROR], ' '],
    ['with another task under it', [TASK, ERROR], '%%metaclaw\nagain']
  ])('is no task %s', (_, outputs, source) => {
    const made = notebook(
      { id: 'a', source: '%%metaclaw\ntask', outputs },
      { id: 'b', source }
    );
    expect(correctionIn(made, 'b')).toBeNull();
  });

  it('is nothing behind the user’s own cell', () => {
    const made = notebook(
      { id: 'a', source: '%%metaclaw\ntask', outputs: [TASK, ERROR] },
      { id: 'b', source: 'y = 1' },
      { id: 'c', source: 'x = 10' }
    );
    expect(correctionIn(made, 'c')).toBeNull();
    expect(correctionIn(made, 'gone')).toBeNull();
    expect(correctionIn(undefined, 'a')).toBeNull();
  });

  it('begins the reason with the lines that changed', () => {
    const correction = { mark: MARK, code: 'x = 10', edited: true };
    expect(reasonFor(correction, ['-x = 1', '+x = 10'])).toBe(
      '-x = 1\n+x = 10'
    );
    expect(reasonFor(correction, [])).toBe('x = 10');
  });
});
