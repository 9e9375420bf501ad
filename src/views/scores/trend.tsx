import React, { type ReactElement } from 'react';
import type { GenerationTrend, Trend } from '../../api/schema';
import type { Resource } from '../../models/resource';
import { useView } from '../context';
import { useResource } from '../hooks';
import { Loaded } from '../notice';
import { Sparkline } from '../sparkline';
import { Whisker } from './whisker';
import { causeInWords } from '../words';
import { share } from './words';

const SIGNS: Partial<Record<Trend['verdict'], string>> = {
  better: '▲',
  worse: '▼',
  none_shown: '≈'
};
const LOOKS: Partial<Record<Trend['verdict'], string>> = {
  better: 'mc-good',
  worse: 'mc-bad'
};

interface ITrendTable {
  trend: Resource<Trend>;
  /** Show the tasks of a generation. */
  narrow: (generation: number) => void;
}

/** Whether it gets better: the share of tasks done right under each generation, with its interval. */
export function TrendTable({ trend, narrow }: ITrendTable): ReactElement {
  const { trans } = useView();
  return (
    <section>
      <h3 className="mc-title">{trans.__('Is it getting better?')}</h3>
      <Loaded resource={useResource(trend)}>
        {found => (
          <>
            <p className="mc-verdict">
              {SIGNS[found.verdict] && (
                <span className={LOOKS[found.verdict]} aria-hidden="true">
                  {SIGNS[found.verdict]}{' '}
                </span>
              )}
              {found.sentence}
            </p>
            {found.generations.length > 0 && (
              <Generations generations={found.generations} narrow={narrow} />
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

interface IGenerations {
  generations: readonly GenerationTrend[];
  narrow: (generation: number) => void;
}

function Generations({ generations, narrow }: IGenerations): ReactElement {
  const { trans } = useView();
  return (
    <table className="mc-table mc-trend-table">
      <caption className="mc-heard">
        {trans.__('Share of your tasks done right under each skill generation')}
      </caption>
      <thead>
        <tr>
          <th scope="col">
            <span className="mc-heard">{trans.__('Generation')}</span>
          </th>
          <th scope="col">
            <span className="mc-heard">{trans.__('In order of time')}</span>
          </th>
          <th scope="col" className="mc-number">
            {trans.__('Right')}
          </th>
          <th scope="col">{trans.__('95%')}</th>
          <th scope="col" className="mc-number">
            {trans.__('Tasks')}
          </th>
        </tr>
      </thead>
      <tbody>
        {generations.map(one => (
          <tr key={one.generation}>
            <th scope="row">
              <button
                type="button"
                className="mc-link"
                title={trans.__(
                  'Generation %1, %2: show its tasks',
                  one.generation,
                  causeInWords(one.cause, trans)
                )}
                onClick={() => {
                  narrow(one.generation);
                }}
              >
                g{one.generation}
              </button>
            </th>
            <td>
              <Sparkline
                values={one.series}
                lowest={0}
                highest={1}
                label={trans.__(
                  'From %1 to %2',
                  share(one.series[0] ?? null),
                  share(one.series.at(-1) ?? null)
                )}
              />
            </td>
            <td className="mc-number">{share(one.mean)}</td>
            <td className="mc-interval">
              <Whisker mean={one.mean} low={one.low} high={one.high} />
              <span>{trans.__('%1–%2', share(one.low), share(one.high))}</span>
            </td>
            <td className="mc-number">{one.n}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
