// What an ablation has come to so far: how far it is, what it shows, the figures, the tables.

import { days, differences, forest, reach } from './ablation_figures.js';
import {
  counted,
  fill,
  lasting,
  node,
  points,
  range,
  scrolled,
  table
} from './ablation_nodes.js';

const GOES_ON = new Set(['planned', 'running']);
const CAN_GO_ON = new Set(['cancelled', 'interrupted', 'spent', 'failed']);
const EXPORTS = [
  ['ipynb', 'Notebook'],
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['vega', 'Figure']
];

export function results(ask) {
  let number = null;
  let widest = 0;
  const bar = node('progress', { 'aria-label': 'Attempts made' });
  const far = node('span', { class: 'mca-far' });
  const act = (text, what) =>
    node('button', { type: 'button', onclick: () => ask(what) }, text);
  const stop = act('Stop', { do: 'stop' });
  const resume = act('Resume', { do: 'resume' });
  const reason = node('p', { class: 'mca-quiet' });
  const verdict = node('p', {
    class: 'mca-verdict',
    role: 'status',
    'aria-live': 'polite'
  });
  const drawn = node('div', { class: 'mca-figure' });
  const over = byDay();
  const arms = scrolled('Arms');
  const pairs = scrolled('Differences');
  const trainings = node('div');
  const notes = node('ul', { class: 'mca-quiet' });
  const exports = node(
    'p',
    { class: 'mca-exports' },
    'Export: ',
    EXPORTS.map(([kind, text]) => act(text, { do: 'export', kind }))
  );
  const view = node(
    'div',
    {},
    node('div', { class: 'mca-progress' }, bar, far, stop, resume),
    reason,
    verdict,
    node('h4', {}, 'Differences in points, with their 95 % intervals'),
    drawn,
    over.view,
    node('h4', {}, 'Arms'),
    arms,
    pairs,
    trainings,
    notes,
    exports
  );

  return {
    view,
    show: report => {
      if (number !== report.number) {
        [number, widest] = [report.number, 0];
      }
      const running = GOES_ON.has(report.state);
      progress(bar, far, report, running);
      toggle(stop, running);
      toggle(resume, CAN_GO_ON.has(report.state));
      reason.textContent = report.reason;
      if (verdict.textContent !== report.verdict) {
        verdict.textContent = report.verdict;
      }
      const rows = differences(report);
      widest = reach(rows, widest);
      fill(
        drawn,
        rows.length
          ? forest(rows, widest)
          : node('p', {}, 'There is one arm: nothing to compare it with.')
      );
      over.show(report);
      fill(arms, armTable(report));
      fill(pairs, pairTable(report));
      fill(
        trainings,
        report.training_seeds.map(one => node('p', {}, one.sentence))
      );
      fill(
        notes,
        report.notes.map(one => node('li', {}, one))
      );
    }
  };
}

// A button that goes takes the focus with it: its neighbour gets it.
function toggle(button, on) {
  if (button.hidden === on) {
    const held = button === document.activeElement;
    button.hidden = !on;
    if (held && !on) {
      button.parentElement.querySelector('button:not([hidden])')?.focus();
    }
  }
}

function progress(bar, far, report, running) {
  bar.max = Math.max(1, report.of);
  bar.value = report.done;
  bar.hidden = !running;
  const words = [
    report.state,
    report.of
      ? `${report.done.toLocaleString()} of ${counted(report.of, 'attempt')}`
      : ''
  ];
  if (running && report.eta_seconds !== null) {
    words.push(`about ${lasting(report.eta_seconds)} left`);
  } else if (report.seconds) {
    words.push(lasting(report.seconds));
  }
  far.textContent = words.filter(Boolean).join(' · ');
}

function byDay() {
  const drawn = node('div');
  const listed = scrolled('Mean of each day');
  const view = node(
    'div',
    {},
    node('h4', {}, 'Accuracy over days'),
    drawn,
    node('details', {}, node('summary', {}, 'As a table'), listed)
  );
  return {
    view,
    show: report => {
      view.hidden = !report.days;
      if (report.days) {
        fill(drawn, days(report));
        fill(listed, dayTable(report.days));
      }
    }
  };
}

function dayTable(curves) {
  const names = Object.keys(curves);
  const numbers = names.flatMap(arm => curves[arm].map(one => one.day));
  const mean = (arm, day) => {
    const found = curves[arm].find(one => one.day === day);
    return found === undefined ? '' : found.mean.toFixed(2);
  };
  const rows = [...new Set(numbers)]
    .sort((left, right) => left - right)
    .map(day => [String(day), ...names.map(arm => mean(arm, day))]);
  return table('Mean of each day', ['day', ...names], rows);
}

function armTable(report) {
  const priced = Object.values(report.arms).some(arm => arm.cost);
  const rows = Object.entries(report.arms).map(([name, arm]) => [
    name,
    arm.about,
    arm.tasks ? arm.tasks.toLocaleString() : '',
    arm.mean === null ? '' : arm.mean.toFixed(3),
    range(arm.ci95, value => value.toFixed(3)),
    arm.right === null ? '' : arm.right.toFixed(3),
    arm.tokens ? arm.tokens.toLocaleString() : '',
    priced && arm.cost !== null ? arm.cost.toFixed(2) : '',
    arm.seconds === null ? '' : arm.seconds.toFixed(2),
    arm.failures.n ? arm.failures.n.toLocaleString() : '',
    arm.failures.example ?? ''
  ]);
  const heads = [
    'arm',
    'what it is',
    'tasks',
    'mean',
    '95 %',
    'task right',
    'tokens',
    'cost',
    'seconds',
    'failed',
    'such as'
  ];
  return table('What each arm came to', heads, rows);
}

function pairTable(report) {
  if (report.comparisons.length === 0) {
    return null;
  }
  const rows = report.comparisons.map(one => [
    `${one.arm} − ${one.reference}`,
    one.tasks.toLocaleString(),
    points(one.difference),
    range(one.ci95, points),
    one.adjusted < 1e-4 ? '< 0.0001' : one.adjusted.toPrecision(2),
    one.finding,
    one.sentence
  ]);
  const heads = [
    'difference',
    'tasks',
    'points',
    '95 %',
    'p, adjusted',
    'shown',
    'in words'
  ];
  return table('Against the reference', heads, rows);
}
