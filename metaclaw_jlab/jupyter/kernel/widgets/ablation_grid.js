// Every task by every arm. Only the rows that can be seen are there: thousands open at once.

import { fill, node } from './ablation_nodes.js';

const ROW = 24; // pixels, as in ablation.css
const VIEW = 320;
const MORE = 4; // rows above and below what is seen

const SIGN = value =>
  value === null ? '·' : value === 1 ? '✓' : value === 0 ? '✗' : value.toFixed(2);
const WORD = value =>
  value === null
    ? 'not attempted'
    : value === 1
      ? 'right'
      : value === 0
        ? 'wrong'
        : `right in ${(100 * value).toFixed(0)} % of attempts`;

let boards = 0;

export function grid(open) {
  boards += 1;
  const name = `mca-${boards}-cell`;
  let found = null;
  let [row, column] = [0, 0];

  const rows = node('div', { class: 'mca-rows', role: 'rowgroup' });
  const head = node('div', { class: 'mca-row mca-row-head', role: 'row' });
  const view = node(
    'div',
    {
      class: 'mca-grid',
      role: 'grid',
      'aria-label': 'Tasks by arms: Enter opens what the arms did',
      'aria-readonly': 'true',
      tabindex: 0
    },
    node('div', { role: 'rowgroup', class: 'mca-row-top' }, head),
    rows
  );

  const line = place => {
    const task = found.tasks[place];
    const when = task.day === null ? '' : `day ${task.day} · `;
    const made = node(
      'div',
      { class: 'mca-row', role: 'row', 'aria-rowindex': place + 2 },
      node(
        'span',
        { class: 'mca-title', role: 'rowheader', title: task.title },
        `${when}${task.title}`
      ),
      found.values[place].map((value, at) =>
        node(
          'span',
          {
            class: 'mca-cell',
            role: 'gridcell',
            id: `${name}-${place}-${at}`,
            'data-row': place,
            'data-column': at,
            'data-here': place === row && at === column,
            'data-value': value === 1 ? 'right' : value === 0 ? 'wrong' : 'part',
            'aria-label': `${found.arms[at]}: ${WORD(value)}`
          },
          SIGN(value)
        )
      )
    );
    made.style.top = `${place * ROW}px`;
    return made;
  };

  const draw = () => {
    if (found === null) {
      return;
    }
    const first = Math.max(0, Math.floor(view.scrollTop / ROW) - MORE);
    const last = Math.min(
      found.tasks.length,
      Math.ceil((view.scrollTop + VIEW) / ROW) + MORE
    );
    const places = Array.from({ length: last - first }, (_, at) => first + at);
    fill(rows, places.map(line));
    view.setAttribute('aria-activedescendant', `${name}-${row}-${column}`);
  };

  const go = (down, right) => {
    row = Math.max(0, Math.min(found.tasks.length - 1, row + down));
    column = Math.max(0, Math.min(found.arms.length - 1, column + right));
    const top = row * ROW;
    if (top < view.scrollTop) {
      view.scrollTop = top;
    } else if (top + 2 * ROW > view.scrollTop + VIEW) {
      view.scrollTop = top + 2 * ROW - VIEW;
    }
    draw();
  };
  const choose = () => open(found.tasks[row], found.arms[column]);

  view.addEventListener('scroll', draw);
  view.addEventListener('click', event => {
    const { row: place, column: at } = event.target.dataset;
    if (place !== undefined) {
      [row, column] = [Number(place), Number(at)];
      draw();
      choose();
    }
  });
  view.addEventListener('keydown', event => {
    const page = Math.floor(VIEW / ROW) - 2;
    const moves = {
      ArrowDown: [1, 0],
      ArrowUp: [-1, 0],
      ArrowRight: [0, 1],
      ArrowLeft: [0, -1],
      PageDown: [page, 0],
      PageUp: [-page, 0],
      Home: [-Infinity, 0],
      End: [Infinity, 0]
    };
    if (found === null || found.tasks.length === 0) {
      return;
    }
    if (event.key in moves) {
      go(...moves[event.key]);
    } else if (event.key === 'Enter') {
      choose();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    view,
    show: next => {
      found = next;
      const columns = `minmax(9em, 1fr) repeat(${next.arms.length}, minmax(3.2em, 5.5em))`;
      view.style.setProperty('--mca-columns', columns);
      view.setAttribute('aria-rowcount', String(next.tasks.length + 1));
      row = Math.min(row, Math.max(0, next.tasks.length - 1));
      column = Math.min(column, Math.max(0, next.arms.length - 1));
      rows.style.height = `${next.tasks.length * ROW}px`;
      fill(
        head,
        node('span', { role: 'columnheader' }, 'task'),
        next.arms.map(arm =>
          node('span', { role: 'columnheader', title: arm }, arm)
        )
      );
      draw();
    }
  };
}
