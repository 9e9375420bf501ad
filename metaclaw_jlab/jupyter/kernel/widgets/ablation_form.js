// The form of a new ablation. It is made once: what is typed stays while results of another run come in.

import { counted, fill, node } from './ablation_nodes.js';

export function form(choices, start) {
  const { arms, task_sets: sets, defaults } = choices;
  const boxes = arms.map(arm =>
    node('input', {
      type: 'checkbox',
      value: arm.name,
      checked: defaults.arms.includes(arm.name)
    })
  );
  const extra = node('textarea', {
    rows: 2,
    spellcheck: 'false',
    placeholder: 'few=skills,skills.max_skills=1'
  });
  const tasks = node(
    'select',
    {},
    sets.map(one =>
      node(
        'option',
        {
          value: one.spec,
          disabled: one.why_not !== null,
          selected: one.spec === defaults.tasks
        },
        one.count === null ? one.title : `${one.title} (${counted(one.count, 'task')})`
      )
    )
  );
  const file = node('input', {
    type: 'text',
    spellcheck: 'false',
    placeholder: 'tasks.jsonl or notebook.ipynb'
  });
  const size = (value, least) =>
    node('input', { type: 'number', min: least, step: 1, value: value ?? '' });
  const [n, seeds, days, minutes, tokens] = [
    size(defaults.n, 1),
    size(defaults.seeds, 1),
    size(defaults.days, 0),
    size(defaults.budget_minutes, 1),
    size(defaults.budget_tokens, 1)
  ];
  const reference = node('select');
  const about = node('div', { class: 'mca-quiet' });
  const sum = node('p', { class: 'mca-quiet', role: 'status' });
  const button = node('button', { type: 'submit' }, 'Start');

  const lines = () =>
    extra.value
      .split('\n')
      .map(line => line.trim())
      .filter(Boolean);
  const chosen = () => boxes.filter(box => box.checked).map(box => box.value);
  const names = () => [
    ...chosen(),
    ...lines().map(line => line.split('=', 1)[0].trim())
  ];
  let picked = '';
  reference.addEventListener('input', () => {
    picked = reference.value;
  });
  const offer = () => {
    const found = [...new Set(names())];
    const known = [...reference.options].map(one => one.value);
    if (JSON.stringify(known) !== JSON.stringify(found)) {
      fill(
        reference,
        found.map(name => node('option', { value: name }, name))
      );
      reference.value = found.includes(picked) ? picked : (found[0] ?? '');
    }
  };
  const whole = input => (input.value === '' ? null : Math.round(Number(input.value)));
  // Practice tasks come as a stream of days; others are done at once, unless somebody says otherwise.
  let said = false;
  let waits = false;
  days.addEventListener('input', () => {
    said = true;
  });
  const tell = () => {
    const practice = !file.value.trim() && tasks.value.startsWith('practice:');
    if (!said) {
      days.value = practice ? (defaults.days ?? 0) : 0;
    }
    const set = sets.find(one => one.spec === tasks.value);
    const named = file.value.trim();
    fill(
      about,
      node('p', {}, named ? `The tasks of ${named}.` : (set?.about ?? '')),
      sets
        .filter(one => one.why_not !== null)
        .map(one => node('p', {}, `${one.title}: ${one.why_not}`))
    );
    offer();
    const many = chosen().length + lines().length;
    const test = many * (whole(n) ?? 0) * (whole(seeds) ?? 0);
    sum.textContent =
      many < 2
        ? 'Choose two arms at least: one is compared with the other.'
        : `${counted(many, 'arm')} on ${counted(whole(n) ?? 0, 'task')}: ${counted(test, 'test attempt')} at most.`;
    button.disabled = many === 0;
  };
  // What is asked twice would run twice: a kernel at work does both when it is free.
  const wait = on => {
    waits = on;
    button.setAttribute('aria-disabled', String(on));
    button.textContent = on ? 'Starting…' : 'Start';
  };
  const submit = event => {
    event.preventDefault();
    if (waits) {
      return;
    }
    wait(true);
    start({
      arms: chosen(),
      extra: lines(),
      tasks: file.value.trim() || tasks.value,
      n: whole(n),
      seeds: whole(seeds),
      days: whole(days),
      budget_minutes: whole(minutes),
      budget_tokens: whole(tokens),
      reference: reference.value || null
    });
  };

  const label = (text, input) =>
    node('label', { class: 'mca-field' }, node('span', {}, text), input);
  const made = node(
    'form',
    { class: 'mca-form', onsubmit: submit, oninput: tell },
    node(
      'fieldset',
      {},
      node('legend', {}, 'Arms'),
      arms.map((arm, place) =>
        node(
          'label',
          { class: 'mca-arm' },
          boxes[place],
          node('span', {}, node('b', {}, arm.name), ` ${arm.about}`)
        )
      ),
      label('More arms, one a line', extra),
      label('Compared with', reference)
    ),
    node(
      'fieldset',
      {},
      node('legend', {}, 'Tasks'),
      label('A set of tasks', tasks),
      label('or a file', file),
      about
    ),
    node(
      'fieldset',
      { class: 'mca-sizes' },
      node('legend', {}, 'Size'),
      label('Test tasks', n),
      label('Seeds', seeds),
      label('Days of learning first', days),
      label('Minutes at most', minutes),
      label('Tokens at most', tokens)
    ),
    sum,
    button
  );
  made.addEventListener('change', tell);
  tell();
  return { view: made, answered: () => wait(false) };
}
