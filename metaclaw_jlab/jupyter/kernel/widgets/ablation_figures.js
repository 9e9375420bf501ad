// The figures: differences with their intervals, and accuracy over days. Widths are shares of the room there is, so that
// text keeps its size; heights hang on what is planned, so that nothing jumps as results come.

import { node, points, range, shape } from './ablation_nodes.js';

const LANE = 48; // pixels
const STEP = 0.1; // the scale of differences grows by so much
const DAYS = { height: 160, top: 8, bottom: 22 };
const COLOURS = [
  '#4e79a7',
  '#d9822b',
  '#4f9a45',
  '#d1495b',
  '#a0729a',
  '#3f9a95',
  '#9c755f',
  '#8a8f98'
];
const DASHES = ['none', '6 3', '2 3', '9 3 2 3'];
const SIGNS = { better: '▲', worse: '▼', 'not shown': '○' };

export function look(place) {
  return {
    stroke: COLOURS[place % COLOURS.length],
    'stroke-dasharray':
      DASHES[place % DASHES.length]
  };
}

// What is compared: of an arm that was trained each training, of any other arm all of its tasks.
export function differences(report) {
  const rows = [];
  const seen = new Set();
  for (const one of report.comparisons) {
    rows.push({ ...one, label: `${one.arm} − ${one.reference}` });
    seen.add(one.arm);
  }
  for (const trained of report.training_seeds) {
    seen.add(trained.arm);
    for (const one of trained.seeds) {
      const label = `${trained.arm} − ${trained.reference}, seed ${one.seed}`;
      rows.push({ ...one, label, finding: trained.finding });
    }
  }
  const waiting = Object.keys(report.arms)
    .filter(arm => arm !== report.reference && !seen.has(arm))
    .map(arm => ({ label: `${arm} − ${report.reference}`, difference: null }));
  return [...rows, ...waiting];
}

// The scale that holds all intervals; it never shrinks while a run goes on.
export function reach(rows, before) {
  const bounds = rows.flatMap(one => one.ci95 ?? []);
  const widest = Math.max(
    STEP,
    ...bounds.map(bound => Math.abs(bound ?? 0) * 1.02)
  );
  return Math.max(before, Math.min(1, Math.ceil(widest / STEP - 1e-9) * STEP));
}

export function forest(rows, widest) {
  const x = value =>
    `${50 + (50 * Math.max(-widest, Math.min(widest, value))) / widest}%`;
  const height = rows.length * LANE + 20;
  const told = rows
    .filter(one => one.difference !== null)
    .map(one => `${one.label}: ${points(one.difference)} points`)
    .join('; ');
  const drawn = shape('svg', {
    class: 'mca-forest',
    width: '100%',
    height,
    role: 'img',
    'aria-label': `Differences in points. ${told || 'None yet.'}`
  });
  const zero = { x1: '50%', x2: '50%', y1: 4, y2: height - 16 };
  drawn.append(shape('line', { ...zero, class: 'mca-zero' }));
  rows.forEach((one, place) => {
    const top = place * LANE;
    const sign = SIGNS[one.finding] ?? '·';
    drawn.append(shape('text', { x: 0, y: top + 13 }, `${sign} ${one.label}`));
    if (one.difference === null) {
      const below = { x: 0, y: top + 27, class: 'mca-numbers' };
      drawn.append(shape('text', below, 'nothing in common yet'));
      return;
    }
    const [low, high] = one.ci95;
    const numbers = `${points(one.difference)} (${range(one.ci95, points)})`;
    const line = { x1: x(low), x2: x(high), y1: top + 37, y2: top + 37 };
    drawn.append(
      shape('text', { x: 0, y: top + 27, class: 'mca-numbers' }, numbers),
      shape('line', { ...line, class: 'mca-interval' }),
      shape('circle', { cx: x(one.difference), cy: top + 37, r: 4 })
    );
  });
  const at = { y: height - 4 };
  drawn.append(
    shape('text', { ...at, x: 0 }, points(-widest)),
    shape('text', { ...at, x: '50%', 'text-anchor': 'middle' }, '0'),
    shape('text', { ...at, x: '100%', 'text-anchor': 'end' }, points(widest))
  );
  return drawn;
}

export function days(report) {
  const arms = Object.keys(report.days);
  const last = Math.max(
    report.day_count ?? 1,
    ...arms.flatMap(arm => report.days[arm].map(one => one.day))
  );
  const room = DAYS.height - DAYS.top - DAYS.bottom;
  const x = day => `${last > 1 ? (100 * (day - 1)) / (last - 1) : 50}%`;
  const y = mean => DAYS.top + (1 - mean) * room;
  const drawn = shape('svg', {
    class: 'mca-days',
    height: DAYS.height,
    role: 'img',
    'aria-label': `Accuracy over ${last} days of ${arms.join(', ')}; as a table below.`
  });
  for (const share of [0, 0.5, 1]) {
    const line = { x1: 0, x2: '100%', y1: y(share), y2: y(share) };
    drawn.append(shape('line', { ...line, class: 'mca-grid-line' }));
    const at = { x: -6, y: y(share) + 4, 'text-anchor': 'end' };
    drawn.append(shape('text', at, share.toFixed(1)));
  }
  for (const day of new Set([1, Math.ceil((1 + last) / 2), last])) {
    const at = { x: x(day), y: DAYS.height - 6, 'text-anchor': 'middle' };
    drawn.append(shape('text', at, String(day)));
  }
  arms.forEach((arm, place) => curve(drawn, report.days[arm], look(place), x, y));
  const legend = arms.map((arm, place) => {
    const sample = shape('svg', { width: 28, height: 10, 'aria-hidden': true });
    const line = { x1: 0, x2: 28, y1: 5, y2: 5, 'stroke-width': 2 };
    sample.append(shape('line', { ...line, ...look(place) }));
    return node('span', {}, sample, ` ${arm}`);
  });
  return [drawn, node('p', { class: 'mca-legend' }, legend)];
}

function curve(drawn, found, style, x, y) {
  found.forEach((one, place) => {
    const [low, high] = one.ci95 ?? [one.mean, one.mean];
    const here = { x1: x(one.day), x2: x(one.day), y1: y(low), y2: y(high) };
    drawn.append(shape('line', { ...here, stroke: style.stroke, opacity: 0.35 }));
    const before = found[place - 1];
    if (before !== undefined) {
      const ends = { x1: x(before.day), x2: x(one.day) };
      const heights = { y1: y(before.mean), y2: y(one.mean) };
      drawn.append(
        shape('line', { ...ends, ...heights, ...style, 'stroke-width': 2 })
      );
    }
    const dot = { cx: x(one.day), cy: y(one.mean), r: 3, fill: style.stroke };
    drawn.append(shape('circle', dot));
  });
}
