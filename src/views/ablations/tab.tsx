import React, { type ReactElement } from 'react';
import { useView } from '../context';
import { Empty } from '../notice';

/** Ablations: what each part of the agent is worth. Nothing runs one yet, and that is what this says. */
export function AblationsTab(): ReactElement {
  const { navigation, trans } = useView();
  return (
    <Empty title={trans.__('No ablations')}>
      <p>
        {trans.__(
          'An ablation does the same tasks again on a frozen copy of this home, each time without one part: without skills, without the trained adapter, without either. It tells what each part is worth, with its uncertainty, and teaches the agent nothing.'
        )}
      </p>
      <p>
        {trans.__(
          'This version cannot run one. Where one is run, its arms and their results are listed here.'
        )}
      </p>
      <p>
        {trans.__('Until then, two places tell whether it is getting better:')}
      </p>
      <ul className="mc-plain">
        <li>
          <button
            type="button"
            className="mc-link"
            onClick={() => {
              navigation.go('scores');
            }}
          >
            {trans.__('Scores')}
          </button>
          {': '}
          {trans.__('the tasks that were done right, per generation of skills')}
        </li>
        <li>
          <button
            type="button"
            className="mc-link"
            onClick={() => {
              navigation.go('training');
            }}
          >
            {trans.__('Training')}
          </button>
          {': '}
          {trans.__('each adapter against what served, as its gate saw it')}
        </li>
      </ul>
    </Empty>
  );
}
