import { type ISharedCell, YNotebook } from '@jupyter/ydoc';
import { proposalIn } from './proposal';
import {
  proposedProvenance,
  provenanceToJSON,
  UNKNOWN_STAMP
} from './provenance';

const MARK = { trajectory: '0a1b2c', step: 1 };
const SOURCE = '# metaclaw:0a1b2c\nx = 1';
const METADATA = {
  metaclaw: provenanceToJSON(
    proposedProvenance(MARK, SOURCE, UNKNOWN_STAMP, null)
  )
};

function cell(
  source: string,
  metadata: Record<string, unknown> = {},
  executionCount: number | null = null
): ISharedCell {
  return new YNotebook().insertCell(0, {
    cell_type: 'code',
    source,
    metadata: metadata as Record<string, never>,
    execution_count: executionCount,
    outputs: []
  });
}

describe('a proposal', () => {
  it('is a cell with a mark that was not run', () => {
    expect(proposalIn(cell(SOURCE))).toMatchObject({
      mark: MARK,
      state: 'proposed',
      provenance: null
    });
  });

  it('is accepted where it was run before anybody took it down', () => {
    expect(proposalIn(cell(SOURCE, {}, 4))?.state).toBe('accepted');
  });

  it('is what its metadata say', () => {
    const accepted = { metaclaw: { ...METADATA.metaclaw, state: 'accepted' } };
    expect(proposalIn(cell(SOURCE, METADATA, 4))?.state).toBe('proposed');
    expect(proposalIn(cell(SOURCE, accepted))?.state).toBe('accepted');
  });

  it('stays one when its mark is gone', () => {
    expect(proposalIn(cell('x = 1', METADATA))?.mark).toEqual(MARK);
  });

  it('is another one where its mark is another', () => {
    const found = proposalIn(cell('# metaclaw:ffffff\nx', METADATA));
    expect(found?.mark.trajectory).toBe('ffffff');
    expect(found?.provenance).toBeNull();
  });

  it('tells whether it was edited', () => {
    expect(proposalIn(cell(SOURCE, METADATA))?.edited).toBe(false);
    expect(proposalIn(cell(`${SOURCE}0`, METADATA))?.edited).toBe(true);
  });

  it('tells whether its cell is protected', () => {
    expect(
      proposalIn(cell(SOURCE, { tags: ['metaclaw-protect'] }))?.protected
    ).toBe(true);
  });

  it.each([
    'x = 1',
    '%%metaclaw\ntask',
    '# metaclaw:aaaaaa\n# metaclaw:bbbbbb\nx'
  ])('is none in %j', source => {
    expect(proposalIn(cell(source))).toBeNull();
  });

  it('is none in prose', () => {
    const prose = new YNotebook().insertCell(0, {
      cell_type: 'markdown',
      source: SOURCE
    });
    expect(proposalIn(prose)).toBeNull();
  });
});
