import React, { type ReactElement } from 'react';
import type { TraceStep } from '../../api/schema';
import { useView } from '../context';

interface ITraceSteps {
  steps: readonly TraceStep[];
  arm: string;
}

/** What an arm did, step by step. */
export function TraceSteps({ steps, arm }: ITraceSteps): ReactElement {
  const { trans } = useView();
  if (steps.length === 0) {
    return <p className="mc-quiet">{trans.__('No step of it was kept.')}</p>;
  }
  return (
    <ol className="mc-trace-steps">
      {steps.map((step, index) => (
        <li key={index}>
          <Step step={step} number={index + 1} arm={arm} />
        </li>
      ))}
    </ol>
  );
}

interface IStep {
  step: TraceStep;
  number: number;
  arm: string;
}

function Step({ step, number, arm }: IStep): ReactElement {
  const { trans } = useView();
  const output = [step.stdout, step.stderr, step.result ?? '']
    .filter(text => text !== '')
    .join('\n');
  const name = (what: string): string =>
    trans.__('%1, step %2: %3', arm, number, what);
  return (
    <>
      <p className="mc-trace-step">
        <b>{trans.__('Step %1', number)}</b>{' '}
        <span className="mc-quiet">
          {trans.__('%1 s', (step.seconds ?? 0).toFixed(1))}
        </span>
      </p>
      {step.action === '' ? (
        <Block label={name(trans.__('Reply'))} text={step.reply} />
      ) : (
        <>
          <Block label={name(trans.__('Code'))} text={step.action} />
          {said(step) && (
            <details className="mc-more">
              <summary>{trans.__('Whole reply')}</summary>
              <Block label={name(trans.__('Reply'))} text={step.reply} />
            </details>
          )}
        </>
      )}
      {output !== '' && (
        <>
          <span className="mc-quiet">{trans.__('Output')}</span>
          <Block label={name(trans.__('Output'))} text={output} />
        </>
      )}
      {step.error !== null && (
        <>
          <span className="mc-bad">
            <span aria-hidden="true">✗ </span>
            {trans.__('Error')}
          </span>
          <Block label={name(trans.__('Error'))} text={step.error} />
        </>
      )}
    </>
  );
}

/** Whether the reply says more than its code. */
function said({ reply, action }: TraceStep): boolean {
  const more = reply.replace(action, '').replace(/```\w*/gu, '');
  return more.trim() !== '';
}

/** Text as it is. It can be scrolled by keyboard. */
function Block({ label, text }: { label: string; text: string }): ReactElement {
  return (
    <pre tabIndex={0} role="group" aria-label={label}>
      <code>{text}</code>
    </pre>
  );
}
