// What the parts of the ablation widget are made of. Everything from outside goes in as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';

export function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) {
      made.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== false) {
      made.setAttribute(name, value === true ? '' : String(value));
    }
  }
  made.append(...children.flat(Infinity).filter(child => child !== null));
  return made;
}

export function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, String(value));
  }
  if (text !== undefined) {
    made.textContent = text;
  }
  return made;
}

export function fill(place, ...children) {
  place.replaceChildren(
    ...children.flat(Infinity).filter(child => child !== null)
  );
}

export function table(caption, heads, rows) {
  const used = heads.map((_, place) => rows.some(cells => cells[place] !== ''));
  const kept = cells => cells.filter((_, place) => used[place]);
  const body = rows.map(cells =>
    node(
      'tr',
      {},
      kept(cells).map((cell, place) =>
        node(
          place === 0 ? 'th' : 'td',
          place === 0 ? { scope: 'row' } : {},
          cell
        )
      )
    )
  );
  return node(
    'table',
    {},
    node('caption', {}, caption),
    node(
      'thead',
      {},
      node(
        'tr',
        {},
        kept(heads).map(text => node('th', { scope: 'col' }, text))
      )
    ),
    node('tbody', {}, body)
  );
}

// A table wider than the page scrolls by itself, by keyboard too. It stays when its table is drawn anew.
export function scrolled(label) {
  return node('div', {
    class: 'mca-scroll',
    role: 'group',
    'aria-label': label,
    tabindex: 0
  });
}

export function points(value) {
  const told = (100 * Math.abs(value)).toFixed(1);
  return `${value < 0 && told !== '0.0' ? '−' : '+'}${told}`;
}

export function range(bounds, tell) {
  const [low, high] = bounds ?? [null, null];
  return low === null || high === null ? '' : `${tell(low)} to ${tell(high)}`;
}

export function counted(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? '' : 's'}`;
}

export function lasting(seconds) {
  if (seconds < 90) {
    return `${Math.round(seconds)} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 90
    ? `${minutes} min`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
