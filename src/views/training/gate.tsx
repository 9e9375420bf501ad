import React, { type ReactElement } from 'react';
import type { Comparison, GateReport, Interval } from '../../api/schema';
import { useView } from '../context';
import { comparisonName, plain, signed, verdictWord } from './words';

const WIDTH = 72;
const HEIGHT = 10;

interface IGate {
  gate: GateReport;
  /** The version that it looked at. */
  version: number | null;
}

/** A verdict, and the comparisons that led to it: candidate, reference and their difference side by side. */
export function Gate({ gate, version }: IGate): ReactElement {
  const { trans } = useView();
  const tone = { promote: 'mc-good', reject: 'mc-bad', insufficient: '' };
  return (
    <section className="mc-gate">
      <h4 className="mc-title">
        {version === null ? trans.__('Gate') : trans.__('Gate of v%1', version)}
        {': '}
        <span className={tone[gate.verdict]}>
          {verdictWord(gate.verdict, trans)}
        </span>
      </h4>
      <p className="mc-reason">{gate.reason}</p>
      {gate.comparisons.length > 0 && (
        <Comparisons comparisons={gate.comparisons} />
      )}
      <p className="mc-quiet">
        {trans.__('Look %1 since the last promotion.', gate.look)}
        {gate.missing > 0 && ' '}
        {gate.missing > 0 &&
          trans._n(
            'About %1 held-out task is missing.',
            'About %1 held-out tasks are missing.',
            gate.missing
          )}
      </p>
    </section>
  );
}

function Comparisons({
  comparisons
}: {
  comparisons: readonly Comparison[];
}): ReactElement {
  const { trans } = useView();
  const span = Math.max(
    ...comparisons.map(({ difference }) => reach(difference))
  );
  return (
    <table className="mc-table mc-comparisons">
      <thead>
        <tr>
          <th scope="col" className="mc-number">
            {trans.__('New')}
            <span className="mc-heard"> {trans.__('(the candidate)')}</span>
          </th>
          <th scope="col" className="mc-number">
            {trans.__('Old')}
            <span className="mc-heard"> {trans.__('(the reference)')}</span>
          </th>
          <th scope="col" className="mc-number">
            {trans.__('Difference')}
          </th>
        </tr>
      </thead>
      {comparisons.map(one => (
        <tbody key={one.name} title={one.sentence}>
          <tr>
            <th scope="rowgroup" colSpan={3}>
              <span className={one.passed ? 'mc-good' : 'mc-bad'}>
                <span aria-hidden="true">{one.passed ? '✓' : '✗'}</span>
                <span className="mc-heard">
                  {one.passed ? trans.__('passed:') : trans.__('not passed:')}
                </span>
              </span>{' '}
              {comparisonName(one.name, trans)}
              {', '}
              <span className="mc-quiet">
                {trans._n('%1 task', '%1 tasks', one.n)}
              </span>
            </th>
          </tr>
          <tr>
            <td className="mc-number">{plain(one.candidate)}</td>
            <td className="mc-number">{plain(one.reference)}</td>
            <td className="mc-number">
              {signed(one.difference.estimate)}{' '}
              <span className="mc-quiet mc-whole">
                {trans.__(
                  '(%1 to %2)',
                  signed(one.difference.low),
                  signed(one.difference.high)
                )}
              </span>
              <Span difference={one.difference} span={span} />
            </td>
          </tr>
        </tbody>
      ))}
    </table>
  );
}

/** The interval of a difference around 0, for those who see; the numbers stand beside it. */
function Span({
  difference,
  span
}: {
  difference: Interval;
  span: number;
}): ReactElement | null {
  const { low, high, estimate } = difference;
  if (low === null || high === null || estimate === null || span === 0) {
    return null;
  }
  const at = (value: number): number =>
    ((value / span + 1) / 2) * (WIDTH - 2) + 1;
  return (
    <svg
      className="mc-span"
      aria-hidden="true"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`}
    >
      <line className="mc-span-zero" x1={at(0)} x2={at(0)} y1="0" y2={HEIGHT} />
      <line
        className="mc-span-line"
        x1={at(low)}
        x2={at(high)}
        y1={HEIGHT / 2}
        y2={HEIGHT / 2}
      />
      <circle cx={at(estimate)} cy={HEIGHT / 2} r="2.5" />
    </svg>
  );
}

function reach({ low, high }: Interval): number {
  return Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0));
}
