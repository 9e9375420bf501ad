// Ablations in a front end: the form of a new one, the results of one as they come, every task of it. Draws what the
// kernel sends, and says what its buttons want.

import { form } from './ablation_form.js';
import { grid } from './ablation_grid.js';
import { fill, node } from './ablation_nodes.js';
import { pair } from './ablation_pair.js';
import { results } from './ablation_results.js';

const PATIENCE = 20000; // milliseconds that the kernel may take to answer: it starts processes

function render({ model, el }) {
  let waiting = null;
  let asked = model.get('state').answered ?? 0;
  let wanted = null; // the cell whose attempts were asked for

  const told = node('p', {
    class: 'mca-told',
    role: 'status',
    'aria-live': 'polite'
  });
  const settle = sentence => {
    clearTimeout(waiting);
    el.removeAttribute('aria-busy');
    if (sentence !== undefined) {
      told.textContent = sentence;
    }
  };
  const ask = what => {
    asked += 1;
    clearTimeout(waiting);
    el.setAttribute('aria-busy', 'true');
    waiting = setTimeout(
      () => settle('The kernel does not answer: it is busy, or gone.'),
      PATIENCE
    );
    try {
      model.send({ ...what, asked });
      return true;
    } catch {
      settle('There is no kernel: this is the last state that it sent.');
      return false;
    }
  };

  const shown = () => model.get('state');
  const runs = node('select', { 'aria-label': 'Which ablation' });
  runs.addEventListener('change', () =>
    ask(
      runs.value === ''
        ? { do: 'new' }
        : { do: 'open', number: Number(runs.value) }
    )
  );
  let started = 0; // the question that begins a run
  const made = form(model.get('choices'), plan => {
    started = asked + 1;
    if (!ask({ do: 'start', plan })) {
      made.answered();
    }
  });
  const empty = node(
    'p',
    { class: 'mca-quiet' },
    'No ablation yet. Does it help? Choose arms and tasks: each arm does the same tasks with the same seeds, on a ' +
      'frozen copy of the home, and nothing is learnt from it.'
  );
  const plan = node('section', { 'aria-label': 'A new ablation' }, empty, made.view);
  const found = results(ask);
  const beside = pair(
    (task, seed) => ask({ do: 'pair', task, seed }),
    () => cells.view.focus()
  );
  const cells = grid((task, arm) => {
    wanted = { task: task.id, arm };
    ask({ do: 'pair', task: task.id, seed: null });
  });
  const tasks = node(
    'details',
    {},
    node('summary', {}, 'Every task'),
    cells.view,
    beside.view
  );
  tasks.addEventListener('toggle', () => ask({ do: 'grid', on: tasks.open }));
  const run = node('section', { 'aria-label': 'Results' }, found.view, tasks);

  el.classList.add('metaclaw-ablation');
  fill(
    el,
    node(
      'div',
      { class: 'mca-head' },
      runs,
      node(
        'button',
        { type: 'button', onclick: () => ask({ do: 'refresh' }) },
        'Refresh'
      )
    ),
    told,
    plan,
    run
  );

  let number; // of the run that is drawn
  const draw = () => {
    const state = shown();
    if (state.notice !== told.textContent && state.answered >= asked) {
      told.textContent = state.notice;
    }
    if (state.answered >= started) {
      made.answered();
    }
    list(runs, state);
    if (number !== state.number) {
      number = state.number;
      tasks.open = false;
      beside.leave();
    }
    plan.hidden = state.report !== null;
    run.hidden = state.report === null;
    empty.hidden = state.runs.length > 0;
    if (state.report !== null) {
      found.show(state.report);
    }
    if (state.answered >= asked) {
      settle();
    }
  };
  const drawGrid = () => {
    const next = model.get('grid');
    if (next.tasks !== undefined && next.number === shown().number) {
      cells.show(next);
    }
  };
  const drawPair = () => {
    const next = model.get('pair');
    if (next.attempts !== undefined && next.number === shown().number) {
      const arm = wanted?.task === next.id ? wanted.arm : undefined;
      beside.show(next, arm, shown().report?.reference);
    }
  };
  draw();
  drawGrid();
  const heard = [
    ['change:state', draw],
    ['change:grid', drawGrid],
    ['change:pair', drawPair]
  ];
  heard.forEach(([what, hear]) => model.on(what, hear));

  // What is saved with the notebook says the same without a kernel; while this is here it is not needed.
  const picture = `.${model.get('picture')}`;
  const hidden = node(
    'style',
    {},
    `.jp-OutputArea-child:has(${picture}), ${picture} { display: none; }`
  );
  document.head.append(hidden);
  return () => {
    hidden.remove();
    clearTimeout(waiting);
    heard.forEach(([what, hear]) => model.off(what, hear));
  };
}

// The list of runs, drawn anew only where it differs: somebody may have it open.
function list(runs, state) {
  const rows = [...state.runs];
  const here = state.report;
  if (here !== null && !rows.some(one => one.number === here.number)) {
    rows.unshift({ ...here, arms: Object.keys(here.arms) });
  }
  const texts = rows.map(one => [
    String(one.number),
    `${one.number}: ${one.arms.join(', ')} · ${one.number === here?.number ? here.state : one.state}`
  ]);
  const options = [['', 'A new ablation…'], ...texts];
  const known = [...runs.options].map(one => [one.value, one.text]);
  if (JSON.stringify(known) !== JSON.stringify(options)) {
    fill(
      runs,
      options.map(([value, text]) => node('option', { value }, text))
    );
  }
  runs.value = state.number === null ? '' : String(state.number);
}

export default { render };
