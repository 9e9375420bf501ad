import uPlot from 'uplot';

/** A line on a plot: null where a step has no value; `dash` tells it from others without colour. */
export interface IPlotLine {
  values: readonly (number | null)[];
  dash: readonly number[];
  colour: string;
}

export interface IPlot {
  /** Show other values of as many lines. */
  show(steps: readonly number[], lines: readonly IPlotLine[]): void;
  resize(width: number): void;
  dispose(): void;
}

const HEIGHT = 110;
const AXIS_WIDTH = 40;
const AXIS_HEIGHT = 22;

/** Draw lines over steps into a node; `point` hears the place in the steps under the pointer. */
export function plot(
  node: HTMLElement,
  steps: readonly number[],
  lines: readonly IPlotLine[],
  point: (index: number | null) => void
): IPlot {
  const style = getComputedStyle(node);
  const colour = (name: string, otherwise: string): string =>
    style.getPropertyValue(name).trim() || otherwise;
  const axis = {
    stroke: colour('--jp-ui-font-color2', 'gray'),
    font: `11px ${style.fontFamily || 'sans-serif'}`,
    grid: { stroke: colour('--jp-border-color2', 'lightgray'), width: 1 },
    ticks: { show: false }
  };
  const made = new uPlot(
    {
      width: Math.max(1, node.clientWidth),
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false, setScale: false } },
      scales: { x: { time: false } },
      axes: [
        {
          ...axis,
          size: AXIS_HEIGHT,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
        },
        { ...axis, size: AXIS_WIDTH, space: 24 }
      ],
      series: [
        {},
        ...lines.map(line => ({
          stroke: colour(line.colour, 'gray'),
          width: 1.5,
          dash: [...line.dash],
          spanGaps: true,
          // A single step has no line yet.
          points: { show: (self: uPlot) => self.data[0].length < 2 }
        }))
      ],
      hooks: {
        setCursor: [
          self => {
            point(self.cursor.idx ?? null);
          }
        ]
      }
    },
    dataOf(steps, lines),
    node
  );
  return {
    show: (newSteps, newLines) => {
      made.setData(dataOf(newSteps, newLines));
    },
    resize: width => {
      made.setSize({ width: Math.max(1, width), height: HEIGHT });
    },
    dispose: () => {
      made.destroy();
    }
  };
}

function dataOf(
  steps: readonly number[],
  lines: readonly IPlotLine[]
): uPlot.AlignedData {
  return [[...steps], ...lines.map(line => [...line.values])];
}
