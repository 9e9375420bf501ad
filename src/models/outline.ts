/** What an outline needs to know of a group. */
export interface IOutlineGroup {
  readonly key: string;
  readonly count: number;
}

/** A line of an outline: a group's head, where `offset` is undefined, or the row at `offset` in it. */
export interface ILine<G extends IOutlineGroup> {
  group: G;
  position: number;
  offset: number | undefined;
}

/** Groups of rows as one list of lines, in which only open groups have their rows. Nothing is made for each row. */
export class Outline<G extends IOutlineGroup> {
  constructor(
    readonly groups: readonly G[],
    readonly isOpen: (group: G) => boolean
  ) {
    let next = 0;
    for (const group of groups) {
      this._starts.push(next);
      next += 1 + (isOpen(group) ? group.count : 0);
    }
    this.length = next;
  }

  /** How many lines there are. */
  readonly length: number;

  /** The line at an index; undefined beyond the end. */
  line(index: number): ILine<G> | undefined {
    const position = this._positionOf(index);
    const group = this.groups[position];
    const start = this._starts[position];
    if (index >= this.length || group === undefined || start === undefined) {
      return undefined;
    }
    const offset = index === start ? undefined : index - start - 1;
    return { group, position, offset };
  }

  /** The index of a group's head, or of a row in it; undefined where that is not shown. */
  indexOf(key: string, offset?: number): number | undefined {
    const position = this.groups.findIndex(group => group.key === key);
    const group = this.groups[position];
    const start = this._starts[position];
    if (group === undefined || start === undefined) {
      return undefined;
    }
    if (offset === undefined) {
      return start;
    }
    const shown = this.isOpen(group) && offset < group.count;
    return shown ? start + 1 + offset : undefined;
  }

  /** The index of the group that a line is in; -1 for a line before the first. */
  private _positionOf(index: number): number {
    let low = 0;
    let high = this._starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this._starts[middle] ?? Infinity) <= index) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  private readonly _starts: number[] = [];
}
