import type { ICellModel } from '@jupyterlab/cells';
import { NotebookModel } from '@jupyterlab/notebook';
import { highlightAsTask, isAgentCell, TASK_MIME_TYPE } from './agentCell';

const PYTHON = 'text/x-ipython';

function codeCell(source: string): ICellModel {
  const { cells, sharedModel } = new NotebookModel();
  sharedModel.insertCell(0, { cell_type: 'code', source });
  const cell = cells.get(0);
  cell.mimeType = PYTHON;
  return cell;
}

describe('isAgentCell', () => {
  it.each([
    '%%metaclaw',
    '%%metaclaw\nCount the rows of prices.csv.',
    '\n  %%metaclaw --mode auto\ntask'
  ])('accepts %j', source => {
    expect(isAgentCell(source)).toBe(true);
  });

  it.each(['', '%metaclaw status', '%%metaclawing', 'x = 1\n%%metaclaw'])(
    'refuses %j',
    source => {
      expect(isAgentCell(source)).toBe(false);
    }
  );
});

describe('highlightAsTask', () => {
  it('shows a task as prose from the start', () => {
    const cell = codeCell('%%metaclaw\ntask');
    highlightAsTask(cell);
    expect(cell.mimeType).toBe(TASK_MIME_TYPE);
  });

  it('leaves code alone', () => {
    const cell = codeCell('x = 1');
    highlightAsTask(cell);
    expect(cell.mimeType).toBe(PYTHON);
  });

  it('follows the text as it is typed', () => {
    const cell = codeCell('');
    highlightAsTask(cell);
    cell.sharedModel.setSource('%%metaclaw\n');
    expect(cell.mimeType).toBe(TASK_MIME_TYPE);
    cell.sharedModel.setSource('x = 1');
    expect(cell.mimeType).toBe(PYTHON);
  });

  it('survives the notebook learning its language late', () => {
    const cell = codeCell('%%metaclaw\n');
    highlightAsTask(cell);
    cell.mimeType = 'text/x-julia';
    expect(cell.mimeType).toBe(TASK_MIME_TYPE);
    cell.sharedModel.setSource('x = 1');
    expect(cell.mimeType).toBe('text/x-julia');
  });
});
