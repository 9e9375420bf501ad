import {
  type IProvenance,
  isEdited,
  proposedProvenance,
  provenanceToJSON,
  readProvenance,
  UNKNOWN_STAMP
} from './provenance';

const SOURCE = '# metaclaw:0a1b2c/2\nx = 1';
const PROVENANCE: IProvenance = proposedProvenance(
  { trajectory: '0a1b2c', step: 2 },
  SOURCE,
  {
    skills: [{ name: 'iso-dates', sha256: 'ab' }],
    generation: 7,
    adapter: 3
  },
  'cell'
);

describe('the provenance of a cell', () => {
  it('is read back as it was written', () => {
    const metadata = { metaclaw: provenanceToJSON(PROVENANCE) };
    expect(readProvenance(metadata)).toEqual(PROVENANCE);
  });

  it('is written the same, whatever order it came in', () => {
    const turned = Object.fromEntries(
      Object.entries(PROVENANCE).reverse()
    ) as unknown as IProvenance;
    expect(JSON.stringify(provenanceToJSON(turned))).toBe(
      JSON.stringify(provenanceToJSON(PROVENANCE))
    );
  });

  it('has ids and hashes, and no code', () => {
    expect(provenanceToJSON(PROVENANCE)).toEqual({
      version: 1,
      trajectory: '0a1b2c',
      step: 2,
      state: 'proposed',
      sha256: PROVENANCE.sha256,
      skills: [{ name: 'iso-dates', sha256: 'ab' }],
      generation: 7,
      adapter: 3,
      target: 'cell'
    });
    expect(JSON.stringify(provenanceToJSON(PROVENANCE))).not.toContain('x = 1');
  });

  it('names no target where there is none', () => {
    const json = provenanceToJSON({ ...PROVENANCE, target: null });
    expect(json).not.toHaveProperty('target');
  });

  it.each([
    undefined,
    null,
    'text',
    [],
    {},
    { version: 2, trajectory: '0a1b2c', step: 1 },
    { version: 1, trajectory: '0a1b2c', step: 1, state: 'maybe', sha256: '' },
    { version: 1, trajectory: 5, step: 1, state: 'proposed', sha256: '' },
    {
      version: 1,
      trajectory: '0a1b2c',
      step: -1,
      state: 'proposed',
      sha256: ''
    }
  ])('is none in %j', metaclaw => {
    expect(readProvenance({ metaclaw })).toBeNull();
  });

  it('passes over what it does not understand of the prompt', () => {
    const json = {
      ...provenanceToJSON(PROVENANCE),
      skills: [1, { name: 2 }, { name: 'kept' }],
      generation: 'seven',
      adapter: -1
    };
    expect(readProvenance({ metaclaw: json })).toMatchObject({
      ...UNKNOWN_STAMP,
      skills: [{ name: 'kept', sha256: '' }]
    });
  });

  it('tells whether the code was edited, its mark aside', () => {
    expect(isEdited(PROVENANCE, 'x = 1')).toBe(false);
    expect(isEdited(PROVENANCE, `${SOURCE}\n`)).toBe(false);
    expect(isEdited(PROVENANCE, 'x = 2')).toBe(true);
  });
});
