// What two arms did at one task, side by side.

import { fill, node } from './ablation_nodes.js';

export function pair(reopen, close) {
  let found = null;
  let sides = ['', ''];
  const columns = node('div', { class: 'mca-pair' });
  const head = node('div', { class: 'mca-head' });
  const text = node('pre', { class: 'mca-task', tabindex: 0 });
  const whole = node(
    'section',
    { 'aria-label': 'Two attempts, side by side', tabindex: -1, hidden: true },
    head,
    text,
    columns
  );
  whole.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      leave();
    }
  });

  const leave = () => {
    whole.hidden = true;
    found = null;
    close();
  };
  const select = (label, options, value, chosen) => {
    const made = node(
      'select',
      { 'aria-label': label },
      options.map(one =>
        node('option', { value: one, selected: one === value }, String(one))
      )
    );
    made.addEventListener('change', () => chosen(made.value));
    return made;
  };
  const draw = () => {
    const arms = found.attempts.map(one => one.arm);
    fill(
      head,
      node('strong', {}, found.title || found.id),
      node(
        'span',
        {},
        found.seeds.length > 1
          ? select('Seed', found.seeds, found.seed, seed =>
              reopen(found.id, Number(seed))
            )
          : null,
        node('button', { type: 'button', onclick: leave }, 'Close')
      )
    );
    text.textContent = found.task;
    fill(
      columns,
      sides.map((arm, place) =>
        node(
          'div',
          {},
          select(place ? 'Right arm' : 'Left arm', arms, arm, chosen => {
            sides[place] = chosen;
            draw();
            columns.children[place].querySelector('select').focus();
          }),
          attempt(found.attempts.find(one => one.arm === arm))
        )
      )
    );
  };

  return {
    view: whole,
    leave: () => {
      whole.hidden = true;
      found = null;
    },
    show: (next, arm, reference) => {
      const arms = next.attempts.map(one => one.arm);
      const left = arms.includes(reference) ? reference : arms[0];
      const other = arms.find(one => one !== left) ?? left;
      const again = found !== null && found.id === next.id;
      if (!again || !sides.every(one => arms.includes(one))) {
        sides = [left, arm !== left && arms.includes(arm) ? arm : other];
      }
      found = next;
      whole.hidden = false;
      draw();
      if (!again) {
        whole.focus();
      }
    }
  };
}

function attempt(one) {
  if (one === undefined) {
    return node('p', {}, 'Not attempted.');
  }
  const ended = [one.value === 1 ? '✓ right' : '✗ not right', one.stop];
  if (one.right !== null && one.right !== (one.value === 1)) {
    ended.push(one.right ? 'the task itself was right' : 'the task was wrong');
  }
  const skills = one.skills.length ? one.skills.join(', ') : 'none';
  return [
    node('p', {}, ended.filter(Boolean).join(' · ')),
    one.failure ? node('p', {}, one.failure) : null,
    node('p', { class: 'mca-quiet' }, `Skills: ${skills}`),
    checks(one.checks ?? []),
    one.steps.map((step, place) => [
      node('h5', {}, `Step ${place + 1}, ${step.seconds.toFixed(1)} s`),
      listing('What it said', step.reply),
      listing('Code', step.action),
      listing('Output', step.stdout),
      listing('Errors', step.stderr),
      listing('Result', step.result),
      listing('Error', step.error)
    ])
  ].flat(2);
}

function checks(found) {
  if (found.length === 0) {
    return null;
  }
  return node(
    'ul',
    { class: 'mca-checks' },
    found.map(one =>
      node(
        'li',
        {},
        `${one.passed ? '✓' : '✗'} `,
        node('code', {}, one.source),
        !one.passed && one.feedback ? ` ${one.feedback}` : null
      )
    )
  );
}

function listing(label, text) {
  if (!text) {
    return null;
  }
  return node(
    'div',
    {},
    node('span', { class: 'mca-quiet' }, label),
    node('pre', { tabindex: 0, 'aria-label': label }, text)
  );
}
