import { LabIcon } from '@jupyterlab/ui-components';

const CUFF = 'M2 7.2h2.6V14H2z';
const HAND =
  'M5.6 7.4 8.2 2c1.3 0 2 .9 1.7 2.2L9.4 6.5h3.3c1 0 1.7.9 1.5 1.9l-.9 4.2c-.2.9-.8 1.4-1.7 1.4h-6z';

function drawn(turn: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161"${turn}><path d="${CUFF}"/><path d="${HAND}"/></g>
</svg>`;
}

/** It was done right. Drawn, since not every machine has letters for it. */
export const thumbUpIcon = new LabIcon({
  name: 'metaclaw-jlab:thumb-up',
  svgstr: drawn('')
});

/** It was not. */
export const thumbDownIcon = new LabIcon({
  name: 'metaclaw-jlab:thumb-down',
  svgstr: drawn(' transform="rotate(180 8 8)"')
});
