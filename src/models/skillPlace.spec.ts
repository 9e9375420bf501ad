import {
  GENERATIONS,
  generationSubject,
  NEW_SKILL,
  skillPlace
} from './skillPlace';

describe('skillPlace', () => {
  it.each([
    [undefined, { kind: 'library' }],
    ['', { kind: 'library' }],
    ['iso-dates', { kind: 'skill', name: 'iso-dates' }],
    ['generations', { kind: 'skill', name: 'generations' }],
    [GENERATIONS, { kind: 'generations' }],
    [NEW_SKILL, { kind: 'new' }],
    [generationSubject(7), { kind: 'generation', number: 7 }],
    [':generation/x', { kind: 'library' }],
    [':else', { kind: 'library' }]
  ])('reads %j', (subject, place) => {
    expect(skillPlace(subject)).toEqual(place);
  });
});
