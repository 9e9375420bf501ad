import { CHOICES } from '../testing/ablations';
import { AblationDraft, smallestShown } from './ablationDraft';

function begun(): AblationDraft {
  const draft = new AblationDraft();
  draft.begin(CHOICES);
  return draft;
}

describe('an ablation that is written down', () => {
  it('begins with what the server proposes', () => {
    expect(begun().request(CHOICES)).toEqual({
      ...CHOICES.defaults,
      extra: []
    });
  });

  it('does not take what was chosen for a proposal', () => {
    const draft = new AblationDraft();
    draft.toggle('given');
    draft.begin(CHOICES);
    expect([...draft.arms]).toEqual(['given']);
  });

  it('has its arms in the order of the list, whatever was chosen first', () => {
    const draft = begun();
    draft.toggle('baseline');
    draft.toggle('baseline');
    expect(draft.request(CHOICES)?.arms).toEqual([
      'baseline',
      'skills',
      'full'
    ]);
  });

  it('compares with the first arm, or with the chosen one while that is there', () => {
    const draft = begun();
    expect(draft.referenceOf(CHOICES)).toBe('baseline');
    draft.write('extra', 'few=skills,skills.max_skills=1');
    draft.write('reference', 'few');
    expect(draft.request(CHOICES)?.reference).toBe('few');
    draft.write('extra', '');
    expect(draft.referenceOf(CHOICES)).toBe('baseline');
    expect(draft.request(CHOICES)).not.toHaveProperty('reference');
  });

  it('keeps to a budget of tokens', () => {
    const draft = begun();
    draft.type('tokens', '200000');
    expect(draft.request(CHOICES)?.budget_tokens).toBe(200_000);
  });

  it('leaves out an arm that there is not any more', () => {
    const draft = begun();
    draft.toggle('gone');
    expect(draft.request(CHOICES)?.arms).not.toContain('gone');
  });

  it.each([
    ['n', '0'],
    ['n', ''],
    ['n', '1.5'],
    ['seeds', 'two'],
    ['samples', '-1'],
    ['days', '0'],
    ['minutes', 'long'],
    ['tokens', '1.5']
  ] as const)('names the field that is in the way: %s %s', (field, text) => {
    const draft = begun();
    draft.type(field, text);
    expect(draft.obstacle(CHOICES)).toBe(field);
    expect(draft.request(CHOICES)).toBeUndefined();
  });

  it('takes tasks that are named, and not those that cannot be had', () => {
    const draft = begun();
    draft.write('tasks', ' jsonl:mine.jsonl ');
    expect(draft.request(CHOICES)?.tasks).toBe('jsonl:mine.jsonl');
    draft.write('tasks', 'logged');
    expect(draft.obstacle(CHOICES)).toBe('tasks');
  });

  it('begins anew after its end', () => {
    const draft = begun();
    draft.toggle('full');
    draft.write('reference', 'skills');
    draft.type('days', '6');
    draft.end();
    draft.begin(CHOICES);
    expect(draft.arms.has('full')).toBe(true);
    expect(draft.numbers.days).toBe('');
    expect(draft.referenceOf(CHOICES)).toBe('baseline');
  });
});

describe('the smallest difference that is shown', () => {
  it('is 5 points with about 930 tasks', () => {
    expect(smallestShown(942, 1)).toBeCloseTo(0.05, 3);
  });

  it('is larger where more is compared', () => {
    const [one, four] = [smallestShown(500, 1), smallestShown(500, 4)];
    expect(four).toBeGreaterThan(one ?? 1);
  });

  it('is none where even the largest would not be shown', () => {
    expect(smallestShown(5, 1)).toBeNull();
  });
});
