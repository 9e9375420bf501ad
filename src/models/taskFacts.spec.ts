import { readTaskFacts, TASK_OUTPUT, tasksIn } from './taskFacts';

const TASK = {
  version: 1,
  package: '0.1.0',
  home: 'ab',
  trajectory: '0a1b2c',
  generation: 7,
  adapter: null,
  model: 'm',
  skills: [{ name: 'iso-dates', sha256: 'cd' }],
  stop: null,
  waits: true,
  steps: 1,
  checks: { passed: 1, total: 2 },
  seconds: 0.5,
  learn: true,
  sentence: 'MetaClaw: proposed'
};

describe('the output of a task', () => {
  it('tells the task and under what it was done', () => {
    expect(readTaskFacts(TASK)).toMatchObject({
      trajectory: '0a1b2c',
      waits: true,
      generation: 7,
      skills: [{ name: 'iso-dates', sha256: 'cd' }],
      checks: { passed: 1, total: 2 }
    });
  });

  it.each([undefined, null, 7, [], { ...TASK, version: 2 }, { version: 1 }])(
    'is not understood in %j',
    json => {
      expect(readTaskFacts(json)).toBeNull();
    }
  );

  it('is found among others', () => {
    const outputs = [
      { output_type: 'stream', name: 'stdout', text: 'x' },
      {
        output_type: 'display_data',
        data: { 'text/plain': 'x', [TASK_OUTPUT]: TASK },
        metadata: {}
      },
      { output_type: 'display_data', data: { 'text/plain': 'x' }, metadata: {} }
    ];
    expect(tasksIn(outputs).map(task => task.trajectory)).toEqual(['0a1b2c']);
  });
});
