import React, {
  type ReactElement,
  useCallback,
  useId,
  useMemo,
  useState
} from 'react';
import type { Curves as Columns } from '../../api/schema';
import { columnsOf, figuresOf, thinned } from '../../models/curves';
import { useView } from '../context';
import { Figure } from './figure';
import { figureName, lineName, plain } from './words';

const TABLE_ROWS = 40;

/** What was reported of each step: figures, and a table that is always there for those who hear. */
export function Curves({ curves }: { curves: Columns }): ReactElement {
  const { trans } = useView();
  const [asTable, setAsTable] = useState(false);
  const [broken, setBroken] = useState(false);
  const table = useId();
  const figures = useMemo(() => figuresOf(curves), [curves]);
  const failed = useCallback(() => {
    setBroken(true);
  }, []);
  if (curves.step.length === 0) {
    return (
      <p className="mc-quiet">
        {trans.__('Curves begin with the first step.')}
      </p>
    );
  }
  const shown = asTable || broken;
  return (
    <div className="mc-curves">
      {!shown &&
        figures.map(figure => (
          <Figure
            key={figure.id}
            figure={figure}
            steps={curves.step}
            failed={failed}
          />
        ))}
      {broken && (
        <p className="mc-quiet">
          {trans.__('The curves could not be loaded; these are their values.')}
        </p>
      )}
      <button
        type="button"
        className="mc-link"
        aria-expanded={shown}
        aria-controls={table}
        disabled={broken}
        onClick={() => {
          setAsTable(!asTable);
        }}
      >
        {shown ? trans.__('Show as curves') : trans.__('Show as a table')}
      </button>
      <div
        id={table}
        className={shown ? 'mc-scroll' : 'mc-heard'}
        role="region"
        aria-label={trans.__('Values of the curves')}
        tabIndex={shown ? 0 : undefined}
      >
        <Values curves={curves} />
      </div>
    </div>
  );
}

function Values({ curves }: { curves: Columns }): ReactElement {
  const { trans } = useView();
  const places = thinned(curves.step.length, TABLE_ROWS);
  const columns = columnsOf(curves).flatMap(figure =>
    figure.lines.map(line => ({
      id: line.id,
      values: line.values,
      name:
        figure.lines.length > 1
          ? trans.__(
              '%1, %2',
              figureName(figure.id, trans),
              lineName(line.id, trans)
            )
          : figureName(figure.id, trans)
    }))
  );
  return (
    <table className="mc-table mc-values">
      <caption className="mc-quiet">
        {places.length < curves.step.length
          ? trans.__(
              '%1 of %2 steps, evenly taken',
              places.length,
              curves.step.length
            )
          : trans.__('Every step')}
      </caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('Step')}</th>
          {columns.map(({ id, name }) => (
            <th key={id} scope="col" className="mc-number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {places.map(place => (
          <tr key={place}>
            <th scope="row">{curves.step[place]}</th>
            {columns.map(({ id, values }) => (
              <td key={id} className="mc-number">
                {plain(values[place] ?? null, 3)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
