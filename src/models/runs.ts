/** Which cells of a notebook its kernel knows as they are, by the number of their run. */
export class Runs {
  /** A cell has run, with this text and under this number. */
  ran(cell: string, source: string, number: number | null): void {
    if (number !== null) {
      this._runs.set(cell, { source, number });
    }
  }

  /** The number under which the kernel has a cell with this text; null where it has none. */
  known(cell: string, source: string): number | null {
    const run = this._runs.get(cell);
    return run?.source === source ? run.number : null;
  }

  /** The kernel has begun anew. */
  forget(): void {
    this._runs.clear();
  }

  private readonly _runs = new Map<
    string,
    { readonly source: string; readonly number: number }
  >();
}
