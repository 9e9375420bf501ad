import { YNotebook } from '@jupyter/ydoc';
import { TASK_OUTPUT } from './taskFacts';
import { endUnderWay } from './underWay';

const SENTENCE = 'MetaClaw: not seen';

function notebookWith(metadata: object): YNotebook {
  const notebook = new YNotebook();
  notebook.insertCell(0, {
    cell_type: 'code',
    source: '%%metaclaw\nDo it.',
    outputs: [
      {
        output_type: 'display_data',
        data: { 'text/plain': 'MetaClaw: writes · step 1' },
        metadata: { ...metadata }
      },
      { output_type: 'stream', name: 'stdout', text: 'begun\n' }
    ]
  });
  return notebook;
}

const outputs = (notebook: YNotebook): unknown =>
  notebook.cells[0]?.toJSON()['outputs'];

describe('a card whose kernel is gone', () => {
  it('says so, leads to its task, and leaves other outputs alone', () => {
    const notebook = notebookWith({
      metaclaw_under_way: { version: 1, trajectory: '0a1b2c' }
    });
    expect(endUnderWay(notebook, SENTENCE)).toBe(1);
    expect(outputs(notebook)).toEqual([
      {
        output_type: 'display_data',
        data: {
          'text/plain': SENTENCE,
          [TASK_OUTPUT]: {
            version: 1,
            trajectory: '0a1b2c',
            sentence: SENTENCE
          }
        },
        metadata: {}
      },
      { output_type: 'stream', name: 'stdout', text: 'begun\n' }
    ]);
    expect(endUnderWay(notebook, SENTENCE)).toBe(0);
  });

  it('has no task to lead to where none had begun', () => {
    const notebook = notebookWith({
      metaclaw_under_way: { version: 1, trajectory: null }
    });
    endUnderWay(notebook, SENTENCE);
    expect(outputs(notebook)).toMatchObject([
      { data: { 'text/plain': SENTENCE } },
      {}
    ]);
  });

  it('is none where the task has its line', () => {
    const notebook = notebookWith({});
    const before = outputs(notebook);
    expect(endUnderWay(notebook, SENTENCE)).toBe(0);
    expect(outputs(notebook)).toEqual(before);
  });
});
