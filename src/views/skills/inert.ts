import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

/** What would be fetched by being shown. */
const FETCHED =
  'img, picture, source, video, audio, track, iframe, svg, link, input';

/** What could be filled in or pressed: only what is in it stays. */
const PRESSED = 'form, button, select, textarea, label, fieldset, dialog';

/** What an element may keep. */
const KEPT = new Set([
  'href',
  'title',
  'alt',
  'colspan',
  'rowspan',
  'start',
  'lang',
  'dir',
  'align'
]);

/** The classes by which code is coloured; others could pass for parts of the page. */
const COLOURS = /^(cm-|ͼ|language-)/;

/**
 * A sanitizer that goes further than another: nothing is fetched for being
 * shown, nothing can be filled in, nothing bears a style, a name or a command,
 * and a link leads only to where its title says.
 */
export function inert(other: IRenderMime.ISanitizer): IRenderMime.ISanitizer {
  return {
    sanitize: (dirty, options) => calmed(other.sanitize(dirty, options)),
    allowNamedProperties: false
  };
}

function calmed(html: string): string {
  // A document of its own: in it nothing is fetched, and nothing runs.
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  for (const element of body.querySelectorAll(FETCHED)) {
    element.replaceWith(
      `[${element.getAttribute('alt') ?? element.localName}]`
    );
  }
  for (const element of body.querySelectorAll(PRESSED)) {
    element.replaceWith(...element.childNodes);
  }
  for (const element of body.querySelectorAll('*')) {
    const colours = [...element.classList].filter(name => COLOURS.test(name));
    for (const { name } of [...element.attributes]) {
      if (!KEPT.has(name)) {
        element.removeAttribute(name);
      }
    }
    if (colours.length > 0) {
      element.className = colours.join(' ');
    }
    if (element.localName === 'a') {
      const target = element.getAttribute('href') ?? '';
      if (/^https?:/i.test(target)) {
        element.setAttribute('rel', 'noopener noreferrer');
        element.setAttribute('target', '_blank');
        element.setAttribute('title', target);
      } else {
        element.removeAttribute('href');
      }
    }
  }
  return body.innerHTML;
}
