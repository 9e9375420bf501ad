import { LabIcon } from '@jupyterlab/ui-components';

const CLAW = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.6" stroke-linecap="round">
    <path d="M3.2 2.2c-1 4.4-.6 8 1.600 11.400"/>
    <path d="M8 1.600c-.7 4.300-.5 8.300.7 12.600"/>
    <path d="M12.700 2.200c-.2 3.900-.1 7.400 1 10.600"/>
  </g>
</svg>`;

export const metaclawIcon = new LabIcon({
  name: 'metaclaw-jlab:claw',
  svgstr: CLAW
});
