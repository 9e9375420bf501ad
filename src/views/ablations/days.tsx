import React, { type ReactElement, useId, useState } from 'react';
import type { AblationReport, DayMean } from '../../api/schema';
import { placeOn, scaleOf } from '../../models/ablationScale';
import { useView } from '../context';
import { endsOf, percent, percents } from './words';

type Curves = NonNullable<AblationReport['days']>;

/** How the lines differ, colours apart. */
const LOOKS: readonly { colour: string; dash: string }[] = [
  { colour: '--jp-ui-font-color1', dash: '' },
  { colour: '--jp-brand-color1', dash: '6 3' },
  { colour: '--jp-warn-color0', dash: '2 3' },
  { colour: '--jp-success-color0', dash: '8 3 2 3' },
  { colour: '--jp-error-color0', dash: '1 2' }
];

/** What each arm did on each day of its stream, as it learnt: lines with bands, or a table. */
export function Days({ days }: { days: Curves }): ReactElement | null {
  const { trans } = useView();
  const [asTable, setAsTable] = useState(false);
  const table = useId();
  const arms = Object.entries(days).filter(([, curve]) => curve.length > 0);
  if (arms.length === 0) {
    return null;
  }
  return (
    <section>
      <h4 className="mc-title">{trans.__('Accuracy over the days')}</h4>
      {!asTable && <Figure arms={arms} />}
      <button
        type="button"
        className="mc-link"
        aria-expanded={asTable}
        aria-controls={table}
        onClick={() => {
          setAsTable(!asTable);
        }}
      >
        {asTable ? trans.__('Show as curves') : trans.__('Show as a table')}
      </button>
      <div
        id={table}
        className={asTable ? 'mc-scroll' : 'mc-heard'}
        role="region"
        aria-label={trans.__('Accuracy over the days, as a table')}
        tabIndex={asTable ? 0 : undefined}
      >
        <Values arms={arms} />
      </div>
    </section>
  );
}

type Arms = readonly (readonly [string, readonly DayMean[]])[];

function Figure({ arms }: { arms: Arms }): ReactElement {
  const { trans } = useView();
  const all = arms.flatMap(([, curve]) => curve);
  const last = Math.max(2, ...all.map(({ day }) => day));
  const scale = scaleOf(
    all.flatMap(({ mean, ci95 }) => [mean, ...endsOf(ci95)])
  );
  const x = (day: number): number => (100 * (day - 1)) / (last - 1);
  const y = (value: number): number => 100 * (1 - placeOn(scale, value));
  return (
    <figure className="mc-days">
      <div className="mc-days-plot">
        <div className="mc-days-axis" aria-hidden="true">
          <span>{percent(scale.high)}</span>
          <span>{percent(scale.low)}</span>
        </div>
        <svg
          role="img"
          aria-label={trans.__(
            'Accuracy of %1 over %2 days',
            arms.map(([name]) => name).join(', '),
            last
          )}
          viewBox="0 0 100 100"
          preserveAspectRatio="none"
        >
          {arms.map(([name, curve], index) => (
            <Curve
              key={name}
              index={index}
              line={curve.flatMap(({ day, mean }) =>
                mean === null ? [] : [[x(day), y(mean)] as const]
              )}
              band={bandOf(curve).map(([day, value]) => [x(day), y(value)])}
            />
          ))}
        </svg>
      </div>
      <div className="mc-days-under" aria-hidden="true">
        <span>{trans.__('day %1', 1)}</span>
        <span>{trans.__('day %1', last)}</span>
      </div>
      <figcaption className="mc-figure-key">
        {arms.map(([name, curve], index) => (
          <span key={name} className="mc-figure-line">
            <Sample index={index} />
            {name}{' '}
            <span className="mc-number">
              {percent(curve.at(-1)?.mean ?? null)}
            </span>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** The outline of the intervals: their upper ends forth, the lower ones back. */
function bandOf(curve: readonly DayMean[]): readonly [number, number][] {
  const known = curve.flatMap(({ day, ci95 }) => {
    const [low, high] = endsOf(ci95);
    return low === null || high === null ? [] : [{ day, low, high }];
  });
  return [
    ...known.map(({ day, high }): [number, number] => [day, high]),
    ...known.reverse().map(({ day, low }): [number, number] => [day, low])
  ];
}

interface ICurve {
  index: number;
  line: readonly (readonly [number, number])[];
  band: readonly (readonly [number, number])[];
}

function Curve({ index, line, band }: ICurve): ReactElement {
  const { colour, dash } = lookOf(index);
  const [first] = line;
  const stroke = `var(${colour})`;
  return (
    <g>
      <polygon points={told(band)} fill={stroke} opacity={0.12} />
      <polyline
        points={told(line.length === 1 && first ? [first, first] : line)}
        fill="none"
        stroke={stroke}
        strokeWidth={2}
        strokeLinecap="round"
        strokeDasharray={dash}
        vectorEffect="non-scaling-stroke"
      />
    </g>
  );
}

/** How the line of an arm looks. */
function Sample({ index }: { index: number }): ReactElement {
  const { colour, dash } = lookOf(index);
  return (
    <svg
      className="mc-figure-sample"
      aria-hidden="true"
      width="20"
      height="6"
      viewBox="0 0 20 6"
    >
      <line
        x1="0"
        y1="3"
        x2="20"
        y2="3"
        stroke={`var(${colour})`}
        strokeWidth="2"
        strokeDasharray={dash}
      />
    </svg>
  );
}

function Values({ arms }: { arms: Arms }): ReactElement {
  const { trans } = useView();
  const days = [
    ...new Set(arms.flatMap(([, curve]) => curve.map(({ day }) => day)))
  ].sort((one, other) => one - other);
  return (
    <table className="mc-table mc-values">
      <thead>
        <tr>
          <th scope="col">{trans.__('Day')}</th>
          {arms.map(([name]) => (
            <th key={name} scope="col" className="mc-number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {days.map(day => (
          <tr key={day}>
            <th scope="row">{day}</th>
            {arms.map(([name, curve]) => {
              const found = curve.find(one => one.day === day);
              return (
                <td key={name} className="mc-number">
                  {percent(found?.mean ?? null)}
                  <span className="mc-second">
                    {percents(found?.ci95 ?? null)}
                  </span>
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function lookOf(index: number): { colour: string; dash: string } {
  return (
    LOOKS[index % LOOKS.length] ?? { colour: '--jp-ui-font-color1', dash: '' }
  );
}

function told(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(' ');
}
