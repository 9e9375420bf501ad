import {
  errorIn,
  fixedCell,
  fixMetadata,
  fixTask,
  type IFailedCell
} from './fix';

const FAILED: IFailedCell = {
  id: 'cell',
  source: 'price = pricse["dear"]',
  outputs: [
    { output_type: 'stream', name: 'stdout', text: 'so far' },
    {
      output_type: 'error',
      ename: 'NameError',
      evalue: "name '\u001b[31mpricse\u001b[0m' is not defined",
      traceback: []
    }
  ],
  ran: 7
};

describe('the task that mends a cell', () => {
  it('refers to what the kernel knows', () => {
    expect(fixTask(FAILED)).toBe(
      "%%metaclaw\nThe cell @In[7] failed with NameError: name 'pricse' is not defined\n" +
        'Reply with the whole cell, corrected.'
    );
  });

  it('has the text of a cell that the kernel no longer knows', () => {
    const task = fixTask({ ...FAILED, ran: null });
    expect(task).toContain('price = pricse["dear"]');
    expect(task).not.toContain('@In');
  });

  it('hands on no mark', () => {
    const source = '# metaclaw:0a1b2c\nx = 1';
    expect(fixTask({ ...FAILED, ran: null, source })).not.toContain('0a1b2c');
  });

  it('keeps which cell it is for', () => {
    expect(fixedCell(fixMetadata('cell'))).toBe('cell');
    expect(fixedCell({})).toBeNull();
    expect(fixedCell({ metaclaw: null })).toBeNull();
    expect(fixedCell({ metaclaw: { version: 2, fixes: 'cell' } })).toBeNull();
  });
});

describe('the error of a cell', () => {
  it('is none where it did not fail', () => {
    expect(errorIn(FAILED.outputs.slice(0, 1))).toBeNull();
    expect(errorIn(FAILED.outputs)?.ename).toBe('NameError');
  });
});
