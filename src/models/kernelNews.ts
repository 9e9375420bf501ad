import type { IKernelNews } from './firstSteps';

/** What the line about a task is kept as in a cell's outputs. */
const TASK_TYPE = 'application/vnd.metaclaw-jlab.task.v1+json';

/** What the kernel that made an output says of itself; undefined where that is no line about a task. */
export function kernelNewsOf(
  data: Readonly<Record<string, unknown>>
): IKernelNews | undefined {
  const told = data[TASK_TYPE];
  if (typeof told !== 'object' || told === null) {
    return undefined;
  }
  const { package: version, home } = told as Record<string, unknown>;
  return typeof version === 'string' && typeof home === 'string'
    ? { version, home }
    : undefined;
}
