import { Sanitizer } from '@jupyterlab/apputils';
import { inert } from './inert';

const clean = (html: string): string => inert(new Sanitizer()).sanitize(html);

function elements(html: string): Element[] {
  const { body } = new DOMParser().parseFromString(clean(html), 'text/html');
  return [...body.querySelectorAll('*')];
}

const HOSTILE = [
  '<script>steal()</script>',
  '<img src="https://evil.example/beacon.png" onerror="steal()" alt="a picture">',
  '<img srcset="https://evil.example/1.png 1x">',
  '<svg onload="steal()"><image href="https://evil.example/2.png"/></svg>',
  '<iframe src="https://evil.example"></iframe>',
  '<video src="https://evil.example/v.mp4" autoplay poster="https://evil.example/p.png"></video>',
  '<div style="background: url(https://evil.example/3.png); position: fixed">over the page</div>',
  '<a href="javascript:steal()">here</a>',
  '<a href="data:text/html,<script>steal()</script>">there</a>',
  '<button data-commandlinker-command="terminal:create-new">go</button>',
  '<div class="jp-Dialog">Your password, please</div>',
  '<form action="https://evil.example"><input name="password"></form>',
  '<math><mtext><table><mglyph><style><img src=x onerror=steal()>',
  '<p id="metaclaw-sidebar">twice</p>'
];

describe('inert', () => {
  it.each(HOSTILE)(
    'leaves nothing that runs, fetches or pretends in %s',
    html => {
      for (const element of elements(html)) {
        expect(element.localName).not.toMatch(
          /^(script|img|image|svg|iframe|video|audio|source|form|input|style|link)$/
        );
        for (const { name, value } of element.attributes) {
          expect(name).not.toMatch(/^(on|data-|style|class|id|src|name)/);
          expect(value).not.toMatch(/javascript:|data:/);
        }
      }
    }
  );

  it('keeps what a text is made of', () => {
    const html = '<h2>Dates</h2><ul><li>One <code>x</code></li></ul>';
    expect(clean(html)).toBe(html);
  });

  it('says where a link leads, and keeps the page from it', () => {
    const [link] = elements('<a href="https://example.org/a">read</a>');
    expect(link?.getAttribute('title')).toBe('https://example.org/a');
    expect(link?.getAttribute('rel')).toContain('noopener');
    expect(link?.getAttribute('target')).toBe('_blank');
  });

  it('says that there was a picture', () => {
    expect(clean('<img src="https://example.org/x.png" alt="a chart">')).toBe(
      '[a chart]'
    );
  });

  it('keeps the colours of code', () => {
    const [span] = elements('<span class="cm-keyword jp-Dialog">def</span>');
    expect(span?.className).toBe('cm-keyword');
  });
});
