import type { IOutput } from '@jupyterlab/nbformat';
import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import { type ITaskStamp, readStamp } from './provenance';

/** What the kernel shows of a task that has ended, or that waits for its cell to be run. */
export const TASK_OUTPUT = 'application/vnd.metaclaw-jlab.task.v1+json';

/** A task as its output tells it. */
export interface ITaskFacts extends ITaskStamp {
  readonly trajectory: string;
  /** The line that front ends without a renderer show. */
  readonly sentence: string;
  /** The version of the package in the kernel. */
  readonly package: string;
  /** Which home the kernel works with. */
  readonly home: string;
  /** Why it ended; null while it is open. */
  readonly stop: string | null;
  /** Whether a proposed cell waits to be run. */
  readonly waits: boolean;
  /** Whether it may be learnt from. */
  readonly learn: boolean;
  readonly checks: { readonly passed: number; readonly total: number } | null;
}

/** The data of such an output; null where they are none that is understood. */
export function readTaskFacts(
  json: PartialJSONValue | undefined
): ITaskFacts | null {
  if (!isObject(json) || json['version'] !== 1) {
    return null;
  }
  const { trajectory, sentence, stop, checks } = json;
  if (typeof trajectory !== 'string' || typeof sentence !== 'string') {
    return null;
  }
  return {
    trajectory,
    sentence,
    package: text(json['package']),
    home: text(json['home']),
    stop: typeof stop === 'string' ? stop : null,
    waits: json['waits'] === true,
    learn: json['learn'] !== false,
    checks: isObject(checks)
      ? { passed: Number(checks['passed']), total: Number(checks['total']) }
      : null,
    ...readStamp(json)
  };
}

/** The tasks that a cell's outputs tell of, in their order. */
export function tasksIn(outputs: readonly IOutput[]): ITaskFacts[] {
  return outputs.flatMap(output => {
    const data = output['data'] as PartialJSONObject | undefined;
    const facts = readTaskFacts(data?.[TASK_OUTPUT]);
    return facts ? [facts] : [];
  });
}

function text(value: PartialJSONValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function isObject(
  value: PartialJSONValue | undefined
): value is PartialJSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
