import { isAgentCell } from './agentCell';

/** Which step of which trajectory a cell was proposed for; steps count from 1. */
export interface IMark {
  readonly trajectory: string;
  readonly step: number;
}

const LINE =
  /^[ \t]*#[ \t]*metaclaw:[ \t]*([0-9a-f]{6,40})(?:\/([1-9]\d{0,3}))?[ \t]*$/gm;

/** A mark in one word. */
export function markKey(mark: IMark): string {
  return `${mark.trajectory}/${String(mark.step)}`;
}

/** The marks in a cell's source, each once; a cell that hands on a task has none. */
export function marksIn(source: string): IMark[] {
  if (isAgentCell(source)) {
    return [];
  }
  const found = new Map<string, IMark>();
  for (const [, trajectory = '', step] of source.matchAll(LINE)) {
    const mark = { trajectory, step: Number(step ?? 1) };
    found.set(markKey(mark), mark);
  }
  return [...found.values()];
}

/** A cell's code without its marks. */
export function codeOf(source: string): string {
  return source.replace(LINE, '').replace(/^\n+|\n+$/g, '');
}
