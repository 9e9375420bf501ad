import React, { type ReactElement, useEffect, useRef, useState } from 'react';
import { type IFigure, type LineId, newest } from '../../models/curves';
import { useView } from '../context';
import type { IPlot, IPlotLine } from './plot';
import { figureName, lineName, plain } from './words';

const DIGITS = { reward: 2, kl: 3, loss: 3, entropy: 2 } as const;
const SOLID: readonly number[] = [];
const LOOKS: Record<LineId, Pick<IPlotLine, 'colour' | 'dash'>> = {
  reward: { colour: '--jp-ui-font-color0', dash: SOLID },
  query: { colour: '--jp-brand-color1', dash: [6, 3] },
  replay: { colour: '--jp-warn-color0', dash: [2, 3] },
  kl: { colour: '--jp-brand-color1', dash: SOLID },
  loss: { colour: '--jp-brand-color1', dash: SOLID },
  entropy: { colour: '--jp-brand-color1', dash: SOLID }
};

interface IFigureView {
  figure: IFigure;
  steps: readonly number[];
  /** Where the drawing itself could not be loaded. */
  failed: () => void;
}

/** A figure for those who see, with a key that tells the values under the pointer, or the newest. */
export function Figure({ figure, steps, failed }: IFigureView): ReactElement {
  const { trans } = useView();
  const [place, setPlace] = useState<number | null>(null);
  const node = usePlot(figure, steps, setPlace, failed);
  const digits = DIGITS[figure.id];
  const step = place === null ? undefined : steps[place];
  return (
    <div className="mc-figure" aria-hidden="true">
      <div className="mc-figure-head">
        <span>{figureName(figure.id, trans)}</span>
        <span className="mc-quiet">
          {step === undefined ? '' : trans.__('step %1', step)}
        </span>
      </div>
      <div ref={node} className="mc-plot" />
      <div className="mc-figure-key">
        {figure.lines.map(line => (
          <span key={line.id} className="mc-figure-line">
            <Sample id={line.id} />
            {figure.lines.length > 1 ? lineName(line.id, trans) : null}{' '}
            <span className="mc-number">
              {plain(
                place === null ? newest(line) : (line.values[place] ?? null),
                digits
              )}
            </span>
          </span>
        ))}
      </div>
    </div>
  );
}

/** How a line looks. */
function Sample({ id }: { id: LineId }): ReactElement {
  const { colour, dash } = LOOKS[id];
  return (
    <svg className="mc-figure-sample" width="20" height="6" viewBox="0 0 20 6">
      <line
        x1="0"
        y1="3"
        x2="20"
        y2="3"
        stroke={`var(${colour})`}
        strokeWidth="2"
        strokeDasharray={dash.join(' ')}
      />
    </svg>
  );
}

/** The node that a plot is drawn into, again when the theme changes; the drawing is loaded when it is first shown. */
function usePlot(
  figure: IFigure,
  steps: readonly number[],
  point: (place: number | null) => void,
  failed: () => void
): React.RefObject<HTMLDivElement> {
  const node = useRef<HTMLDivElement>(null);
  const plot = useRef<IPlot | null>(null);
  const latest = useRef({ figure, steps, failed });
  latest.current = { figure, steps, failed };
  const lines = figure.lines.map(({ id }) => id).join();

  useEffect(() => {
    const target = node.current;
    if (!target) {
      return;
    }
    let gone = false;
    let drawn: typeof import('./plot') | undefined;
    const draw = (): void => {
      plot.current?.dispose();
      plot.current = null;
      if (drawn && !gone) {
        const now = latest.current;
        plot.current = drawn.plot(
          target,
          now.steps,
          linesOf(now.figure),
          point
        );
      }
    };
    import('./plot').then(
      module => {
        drawn = module;
        draw();
      },
      () => {
        if (!gone) {
          latest.current.failed();
        }
      }
    );
    const themes = new MutationObserver(draw);
    themes.observe(document.body, { attributeFilter: ['data-jp-theme-name'] });
    const sizes = new ResizeObserver(() => {
      plot.current?.resize(target.clientWidth);
    });
    sizes.observe(target);
    return () => {
      gone = true;
      themes.disconnect();
      sizes.disconnect();
      plot.current?.dispose();
      plot.current = null;
    };
  }, [lines, point]);

  useEffect(() => {
    plot.current?.show(steps, linesOf(figure));
  }, [figure, steps]);

  return node;
}

function linesOf(figure: IFigure): readonly IPlotLine[] {
  return figure.lines.map(({ id, values }) => ({ values, ...LOOKS[id] }));
}
