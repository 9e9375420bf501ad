import { isProtected } from './protection';

describe('a protected cell', () => {
  it('is told by its tag', () => {
    expect(isProtected({ tags: ['a', 'metaclaw-protect'] })).toBe(true);
  });

  it.each([{}, { tags: [] }, { tags: 'metaclaw-protect' }, { tags: null }])(
    'is not %j',
    metadata => {
      expect(isProtected(metadata)).toBe(false);
    }
  );
});
