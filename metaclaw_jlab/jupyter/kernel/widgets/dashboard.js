// The dashboard in a front end: draws the state that the kernel sends, and says what its buttons want.
// Everything from outside goes in as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';
const PATIENCE = 8000; // milliseconds that the kernel may take to answer
const PAUSE = 300; // milliseconds without a key before a search is sent

const TOLD = new Set(['pinned', 'disabled']); // marks that the buttons tell

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') {
      made.addEventListener('click', value);
    } else if (value !== null && value !== false) {
      made.setAttribute(name, value === true ? '' : String(value));
    }
  }
  made.append(...children.filter(child => child !== null));
  return made;
}

function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, String(value));
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

function when(seconds) {
  const then = new Date(seconds * 1000);
  const pad = number => String(number).padStart(2, '0');
  const day = `${then.getFullYear()}-${pad(then.getMonth() + 1)}-${pad(then.getDate())}`;
  return `${day}\u00a0${pad(then.getHours())}:${pad(then.getMinutes())}`;
}

// A moment in a table: it stays in one line.
function moment(seconds) {
  return node('span', { class: 'mcd-when' }, when(seconds));
}

function table(caption, heads, rows) {
  const head = node(
    'tr',
    {},
    ...heads.map(text => node('th', { scope: 'col' }, text))
  );
  const body = rows.map(cells =>
    node(
      'tr',
      {},
      ...cells.map((cell, place) =>
        place === 0
          ? node('th', { scope: 'row' }, cell)
          : node('td', {}, ...[cell].flat())
      )
    )
  );
  return node(
    'div',
    { class: 'mcd-scroll', role: 'group', 'aria-label': caption, tabindex: 0 },
    node(
      'table',
      {},
      node('caption', {}, caption),
      node('thead', {}, head),
      node('tbody', {}, ...body)
    )
  );
}

function trend(scores, label) {
  const [width, height, left, top, bottom] = [420, 140, 34, 8, 30];
  const y = share => top + (1 - share) * (height - top - bottom);
  const drawn = shape('svg', {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': label
  });
  for (const share of [0, 0.5, 1]) {
    const line = { x1: left, x2: width - 8, y1: y(share), y2: y(share) };
    drawn.append(shape('line', { ...line, class: 'mcd-grid' }));
    const at = { x: left - 6, y: y(share) + 4, 'text-anchor': 'end' };
    drawn.append(shape('text', at, share.toFixed(1)));
  }
  scores.forEach((one, place) => {
    const x = left + ((width - left - 8) * (place + 0.5)) / scores.length;
    const middle = { x, 'text-anchor': 'middle' };
    drawn.append(
      shape('line', { x1: x, x2: x, y1: y(one.low), y2: y(one.high) }),
      shape('circle', { cx: x, cy: y(one.mean), r: 4 }),
      shape('text', { ...middle, y: height - 14 }, `g${one.generation}`),
      shape('text', { ...middle, y: height - 2 }, `n=${one.n}`)
    );
  });
  return drawn;
}

function curve(values, label) {
  const known = values.filter(value => typeof value === 'number');
  if (known.length < 2) {
    return null;
  }
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const points = known.map((value, place) => {
    const share = high > low ? (value - low) / (high - low) : 0.5;
    return `${3 + (place / (known.length - 1)) * 234},${37 - share * 34}`;
  });
  const told = `${label}: ${known[0].toFixed(2)} to ${known.at(-1).toFixed(2)}`;
  const drawn = shape('svg', {
    viewBox: '0 0 240 40',
    role: 'img',
    'aria-label': told
  });
  drawn.append(shape('polyline', { points: points.join(' '), fill: 'none' }));
  return drawn;
}

function skills(found, button) {
  const rows = found.skills.map(one => [
    one.name,
    one.since === null ? '' : `g${one.since}`,
    `${one.uses || ''}`,
    `${one.helped || ''}`,
    `${one.hurt || ''}`,
    one.description,
    [
      button(
        one.pinned ? 'Unpin' : 'Pin',
        `${one.pinned ? 'Unpin' : 'Pin'} ${one.name}`,
        `pin ${one.name}`,
        {
          do: 'pin',
          name: one.name,
          on: !one.pinned
        }
      ),
      button(
        one.disabled ? 'Enable' : 'Disable',
        `${one.disabled ? 'Enable' : 'Disable'} ${one.name}`,
        `enable ${one.name}`,
        { do: 'enable', name: one.name, on: one.disabled }
      ),
      one.marks.filter(mark => !TOLD.has(mark)).join(', ')
    ]
  ]);
  const left = found.total - found.skills.length;
  const more = left > 0 ? `, the first ${found.skills.length} shown` : '';
  const noun = found.total === 1 ? 'skill' : 'skills';
  const caption = `${found.total.toLocaleString()} ${noun}${more}`;
  if (rows.length === 0) {
    const none = found.search
      ? 'No skill has these words.'
      : 'No skills yet: they come from tasks that fail (a check, an exception, %metaclaw bad "why").';
    return [node('p', {}, none)];
  }
  const heads = [
    'skill',
    'since',
    'uses',
    'helped',
    'hurt',
    'what it says',
    'actions'
  ];
  return [table(caption, heads, rows)];
}

function scores(found) {
  const parts = [node('p', {}, found.trend)];
  if (found.scores.length) {
    parts.push(trend(found.scores, found.trend));
    const rows = found.scores.map(one => [
      `g${one.generation}`,
      `${one.n}`,
      one.mean.toFixed(2),
      `${one.low.toFixed(2)} to ${one.high.toFixed(2)}`
    ]);
    parts.push(
      node(
        'details',
        {},
        node('summary', {}, 'As a table'),
        table(
          'Tasks done right',
          ['generation', 'tasks', 'share', '95 %'],
          rows
        )
      )
    );
  }
  if (found.tasks.length) {
    const rows = found.tasks.map(one => [
      moment(one.at),
      one.outcome,
      one.well === null ? '' : one.well ? '✓\u00a0good' : '✗\u00a0bad',
      `${one.steps}`,
      one.skills.join(', '),
      one.id
    ]);
    const heads = ['when', 'how it ended', 'score', 'steps', 'skills', 'task'];
    parts.push(table('Last tasks', heads, rows));
  }
  return parts;
}

function training(found, button) {
  const pause = found.paused
    ? button('Resume training', null, 'pause', { do: 'unpause' })
    : button('Pause training', null, 'pause', { do: 'pause' });
  const rows = found.runs.map(one => [
    `${one.number}`,
    one.state,
    moment(one.at),
    one.adapter === null ? '' : `v${one.adapter}`,
    one.result
  ]);
  const heads = ['run', 'state', 'when', 'adapter', 'result'];
  return [
    node('p', {}, found.training),
    node('p', {}, found.schedule),
    node('p', {}, pause),
    curve(found.rewards, 'Reward of each step'),
    rows.length ? table('Training runs', heads, rows) : null
  ];
}

function render({ model, el }) {
  let waiting = null;
  let typing = null;
  let asked = 0;

  const ask = what => {
    asked += 1;
    const settle = sentence => {
      clearTimeout(waiting);
      el.removeAttribute('aria-busy');
      told.textContent = sentence;
    };
    clearTimeout(waiting);
    el.setAttribute('aria-busy', 'true');
    waiting = setTimeout(
      () => settle('The kernel does not answer: it is busy, or gone.'),
      PATIENCE
    );
    try {
      model.send({ ...what, asked });
    } catch {
      settle('There is no kernel: this is the last state that it sent.');
    }
  };
  const button = (text, label, key, what) =>
    node(
      'button',
      {
        type: 'button',
        'data-key': key,
        'aria-label': label,
        onclick: () => ask(what)
      },
      text
    );

  const about = node('p', { class: 'mcd-about' });
  const told = node('p', {
    class: 'mcd-told',
    role: 'status',
    'aria-live': 'polite'
  });
  const search = node('input', {
    type: 'search',
    'aria-label': 'Search skills',
    placeholder: 'Search skills'
  });
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(
      () => ask({ do: 'search', words: search.value }),
      PAUSE
    );
  });
  const section = title => {
    const inner = node('div');
    const whole = node(
      'section',
      { 'aria-label': title },
      node('h4', {}, title),
      inner
    );
    return { whole, inner };
  };
  const parts = {
    skills: section('Skills'),
    scores: section('Scores'),
    training: section('Training')
  };
  parts.skills.whole.insertBefore(search, parts.skills.inner);
  el.classList.add('metaclaw-dashboard');
  el.replaceChildren(
    node(
      'div',
      { class: 'mcd-head' },
      about,
      button('Refresh', null, 'refresh', { do: 'refresh' })
    ),
    told,
    parts.skills.whole,
    parts.scores.whole,
    parts.training.whole
  );

  const draw = () => {
    const state = model.get('state');
    const found = state.snapshot;
    const key = el.contains(document.activeElement)
      ? document.activeElement.dataset.key
      : undefined;
    about.textContent = `${found.policy} · ${found.serving} · skills g${found.generation} · as of ${when(found.at)}`;
    if (told.textContent !== state.notice) {
      told.textContent = state.notice;
    }
    const fill = (part, children) =>
      part.inner.replaceChildren(...children.filter(child => child !== null));
    fill(parts.skills, skills(found, button));
    fill(parts.scores, scores(found));
    fill(parts.training, training(found, button));
    if (key !== undefined) {
      [...el.querySelectorAll('[data-key]')]
        .find(one => one.dataset.key === key)
        ?.focus();
    }
    if (state.answered >= asked) {
      clearTimeout(waiting);
      el.removeAttribute('aria-busy');
    }
  };
  draw();
  model.on('change:state', draw);

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
    clearTimeout(typing);
    model.off('change:state', draw);
  };
}

export default { render };
