import React, { type ReactElement } from 'react';
import type { AblationReport } from '../../api/schema';
import { type IScale, placeOn, scaleOf } from '../../models/ablationScale';
import { useView } from '../context';
import {
  type Bounds,
  endsOf,
  percent,
  percents,
  points,
  pointsRange
} from './words';

/** A line of the plot: a value with its interval. */
interface ILine {
  name: string;
  value: number | null;
  bounds: Bounds;
}

const LINE = 34;
const AXIS = 20;
const PAD = 4;

/** Means and differences with their intervals, for those who see; the same in tables for those who hear. */
export function Forest({ report }: { report: AblationReport }): ReactElement {
  const { trans } = useView();
  const means: ILine[] = Object.entries(report.arms).map(([name, arm]) => ({
    name,
    value: arm.mean,
    bounds: arm.ci95
  }));
  const differences: ILine[] = [
    ...report.comparisons.map(one => ({
      name: trans.__('%1 − %2', one.arm, one.reference),
      value: one.difference,
      bounds: one.ci95
    })),
    ...report.training_seeds.flatMap(one =>
      one.seeds.map(({ seed, difference, ci95 }) => ({
        name: trans.__('%1 − %2, seed %3', one.arm, one.reference, seed),
        value: difference,
        bounds: ci95
      }))
    )
  ];
  return (
    <div className="mc-forest">
      <Plot
        title={trans.__('Mean over the tasks, 95 % interval')}
        lines={means}
        scale={scaleOf(ends(means))}
        tell={percent}
        tellBounds={percents}
      />
      {differences.length > 0 && (
        <Plot
          title={trans.__('Difference on the same tasks, in points')}
          lines={differences}
          scale={scaleOf([0, ...ends(differences)])}
          zero
          tell={points}
          tellBounds={bounds => pointsRange(bounds, trans)}
        />
      )}
    </div>
  );
}

interface IPlot {
  title: string;
  lines: readonly ILine[];
  scale: IScale;
  /** Whether there is a line at 0: no difference. */
  zero?: boolean;
  tell: (value: number | null) => string;
  tellBounds: (bounds: Bounds) => string;
}

function Plot({
  title,
  lines,
  scale,
  zero = false,
  tell,
  tellBounds
}: IPlot): ReactElement {
  const { trans } = useView();
  const bottom = lines.length * LINE + PAD;
  return (
    <figure className="mc-forest-plot">
      <figcaption className="mc-quiet">{title}</figcaption>
      <svg
        role="img"
        aria-label={title}
        width="100%"
        height={bottom + AXIS}
        className="mc-forest-svg"
      >
        {scale.ticks.map(tick => (
          <Tick
            key={tick}
            at={placeOn(scale, tick)}
            label={label(tick, zero)}
            bottom={bottom}
            strong={zero && tick === 0}
          />
        ))}
        {lines.map((line, index) => (
          <g key={line.name}>
            <text x="0" y={index * LINE + 14}>
              {line.name}
            </text>
            <text x="100%" y={index * LINE + 14} textAnchor="end">
              {tell(line.value)}
            </text>
            <Whisker line={line} scale={scale} y={index * LINE + 24} />
          </g>
        ))}
      </svg>
      <div className="mc-heard">
        <table>
          <caption>{title}</caption>
          <thead>
            <tr>
              <th scope="col">{trans.__('What')}</th>
              <th scope="col">{trans.__('Value')}</th>
              <th scope="col">{trans.__('95 % interval')}</th>
            </tr>
          </thead>
          <tbody>
            {lines.map(({ name, value, bounds }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{tell(value)}</td>
                <td>{tellBounds(bounds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

interface ITick {
  /** Where it is, from 0 to 1. */
  at: number;
  label: string;
  bottom: number;
  strong: boolean;
}

function Tick({ at, label: text, bottom, strong }: ITick): ReactElement {
  return (
    <>
      <line
        className={strong ? 'mc-forest-zero' : 'mc-forest-grid'}
        x1={across(at)}
        x2={across(at)}
        y1={0}
        y2={bottom}
      />
      <text
        className="mc-forest-tick"
        x={across(at)}
        y={bottom + 14}
        textAnchor={at <= 0 ? 'start' : at >= 1 ? 'end' : 'middle'}
      >
        {text}
      </text>
    </>
  );
}

interface IWhisker {
  line: ILine;
  scale: IScale;
  y: number;
}

function Whisker({ line, scale, y }: IWhisker): ReactElement | null {
  const [low, high] = endsOf(line.bounds);
  if (line.value === null) {
    return null;
  }
  const x = (value: number): string => across(placeOn(scale, value));
  return (
    <>
      {low !== null && high !== null && (
        <line
          className="mc-forest-line"
          x1={x(low)}
          x2={x(high)}
          y1={y}
          y2={y}
        />
      )}
      <circle className="mc-forest-dot" cx={x(line.value)} cy={y} r={3.5} />
    </>
  );
}

/** A place from 0 to 1 as a share of the width, with room for a dot at both ends. */
function across(at: number): string {
  return `${(2 + 96 * at).toFixed(3)}%`;
}

function label(tick: number, signed: boolean): string {
  const told = (100 * Math.abs(tick)).toFixed(0);
  return signed && tick !== 0 ? `${tick < 0 ? '−' : '+'}${told}` : told;
}

/** All values that have to be on the scale. */
function ends(lines: readonly ILine[]): (number | null)[] {
  return lines.flatMap(({ value, bounds }) => [value, ...endsOf(bounds)]);
}
