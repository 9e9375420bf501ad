import React, { type ReactElement } from 'react';
import type { Outcome } from '../../models/scores';
import { useView } from '../context';
import { outcomeWord } from './words';

const SIGNS: Record<Outcome, string> = {
  open: '○',
  right: '✓',
  wrong: '✗',
  ended: '–'
};
const LOOKS: Partial<Record<Outcome, string>> = {
  right: 'mc-good',
  wrong: 'mc-bad'
};

/** How a task went, to see and to hear. */
export function OutcomeSign({ outcome }: { outcome: Outcome }): ReactElement {
  const { trans } = useView();
  return (
    <span className={`mc-outcome-sign ${LOOKS[outcome] ?? 'mc-quiet'}`}>
      <span aria-hidden="true">{SIGNS[outcome]}</span>
      <span className="mc-heard">{outcomeWord(outcome, trans)}</span>
    </span>
  );
}
