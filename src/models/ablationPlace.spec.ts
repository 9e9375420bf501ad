import { placeOf, runSubject, tasksSubject } from './ablationPlace';

describe('a place in the tab', () => {
  it.each([
    [undefined, { kind: 'list' }],
    ['new', { kind: 'new' }],
    [runSubject(12), { kind: 'run', number: 12 }],
    [tasksSubject(12), { kind: 'grid', number: 12 }],
    [tasksSubject(12, 'a/b c'), { kind: 'task', number: 12, task: 'a/b c' }],
    ['0', { kind: 'list' }],
    ['12/else', { kind: 'list' }],
    ['run/3', { kind: 'list' }]
  ])('%s', (subject, place) => {
    expect(placeOf(subject)).toEqual(place);
  });
});
