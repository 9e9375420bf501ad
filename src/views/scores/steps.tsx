import React, { type ReactElement } from 'react';
import type { Score, StepAccount, Unscored } from '../../api/schema';
import { useView } from '../context';
import { signed, valueOf } from '../../models/scores';
import { Sparkline } from '../sparkline';
import { scoreWord, sourceWord } from './words';

const SOURCES = ['outcome', 'judge', 'user'] as const;

/** What was done, step by step, and what each step was worth by whom. */
export function Steps({
  steps
}: {
  steps: readonly StepAccount[];
}): ReactElement {
  const { trans } = useView();
  if (steps.length === 0) {
    return <></>;
  }
  return (
    <section>
      <h4 className="mc-title">{trans.__('Steps')}</h4>
      {steps.length > 1 && <Rewards steps={steps} />}
      <ol className="mc-trace-steps">
        {steps.map(step => (
          <li key={step.number}>
            <Step step={step} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** The process reward of all steps, a line for each who gave any. */
function Rewards({ steps }: { steps: readonly StepAccount[] }): ReactElement {
  const { trans } = useView();
  const lines = SOURCES.map(source => ({
    source,
    values: steps.map(step => by(source, step.process))
  })).filter(({ values }) => values.some(value => value !== null));
  if (lines.length === 0) {
    return <></>;
  }
  return (
    <table className="mc-table mc-trace-rewards">
      <caption className="mc-heard">
        {trans.__('Process reward of each step by who gave it')}
      </caption>
      <tbody>
        {lines.map(({ source, values }) => (
          <tr key={source}>
            <th scope="row">{sourceWord(source, trans)}</th>
            <td>
              <Sparkline
                values={values}
                lowest={-1}
                highest={1}
                label={values
                  .map(value => (value === null ? '–' : signed(value)))
                  .join(', ')}
              />
            </td>
            <td>
              {values
                .map(value => (value === null ? '–' : signed(value)))
                .join('  ')}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The last score of a source. */
function by(
  source: Score['source'],
  scores: readonly (Score | Unscored)[]
): number | null {
  const found = scores.filter(
    score => 'source' in score && score.source === source
  );
  return valueOf(found.at(-1) ?? null);
}

function Step({ step }: { step: StepAccount }): ReactElement {
  const { trans } = useView();
  return (
    <>
      <p className="mc-trace-step">
        <b>{trans.__('Step %1', step.number)}</b>
        <span className="mc-quiet">
          {' '}
          {step.ran
            ? trans.__('%1 s', (step.run_seconds ?? 0).toFixed(1))
            : step.said === null && trans.__('not run')}
        </span>
      </p>
      {step.process.map((score, index) => (
        <p key={index} className="mc-trace-score" dir="auto">
          {scoreWord(score, trans)}
          {score.reason && <span className="mc-quiet"> “{score.reason}”</span>}
        </p>
      ))}
      {step.said !== null && (
        <Block label={trans.__('Reply')} lines={step.said} />
      )}
      {step.code !== null && (
        <Block label={trans.__('Code')} lines={step.code} />
      )}
      {step.edit.length > 0 && (
        <Block
          label={trans.__('You ran it otherwise')}
          lines={step.edit.join('\n')}
          shown
        />
      )}
      {step.output.length > 0 && (
        <Block
          label={trans.__('Output')}
          lines={step.output.join('\n')}
          shown
        />
      )}
      {step.error !== null && (
        <p className="mc-trace-error" dir="auto">
          <span className="mc-bad" aria-hidden="true">
            ✗
          </span>{' '}
          <code>{step.error}</code>
        </p>
      )}
    </>
  );
}

interface IBlock {
  label: string;
  lines: string;
  /** Whether the label is to be seen too. */
  shown?: boolean;
}

/** Text as it is: code, output. It can be scrolled by keyboard. */
function Block({ label, lines, shown = false }: IBlock): ReactElement {
  return (
    <>
      {shown && <span className="mc-quiet">{label}</span>}
      <pre tabIndex={0} role="group" aria-label={label}>
        <code>{lines}</code>
      </pre>
    </>
  );
}
