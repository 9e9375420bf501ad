import type {
  PartialJSONObject,
  ReadonlyPartialJSONValue
} from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Status, TaskRow } from '../api/schema';
import type { ConnectionState } from './connection';

/** What the sidebar says before all is as it should be; the views have the words. */
export type StepId =
  | 'page-old'
  | 'kernel-old'
  | 'kernel-elsewhere'
  | 'no-answer'
  | 'practice-only'
  | 'no-gpu'
  | 'no-skills';

export interface IStep {
  readonly id: StepId;
  /** `trouble` stays until it is mended; a hint can be put away. */
  readonly kind: 'trouble' | 'hint';
  /** The versions or homes that differ, for the words. */
  readonly is?: string;
  readonly should?: string;
}

/** What a kernel has said of itself, with the line about a task. */
export interface IKernelNews {
  readonly version: string;
  /** The id of the home that it works in. */
  readonly home: string;
}

/** What is known of the server. */
export interface IServerNews {
  readonly state: ConnectionState;
  readonly health:
    { readonly version: string; readonly home: string | null } | undefined;
  /** The version of the server that the page was loaded from. */
  readonly firstVersion: string | undefined;
}

/** The next steps of who begins, and what was put away of them. */
export class FirstSteps {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What to say, the most urgent first; `newest` is the last task. */
  steps(
    server: IServerNews,
    status: Status | undefined,
    newest?: Pick<TaskRow, 'stop'>
  ): IStep[] {
    return [
      ...ofServer(server),
      ...ofKernel(server, this._kernel),
      ...(isKnown(server) ? ofTask(newest) : []),
      ...(isKnown(server) && status ? ofHome(status) : [])
    ].filter(({ id, kind }) => kind === 'trouble' || !this._away.has(id));
  }

  /** A kernel has said something; undefined where the notebook that is looked at has said nothing yet. */
  hear(kernel: IKernelNews | undefined): void {
    if (
      kernel?.version !== this._kernel?.version ||
      kernel?.home !== this._kernel?.home
    ) {
      this._kernel = kernel;
      this._changed.emit();
    }
  }

  /** Say a hint no more. */
  putAway(id: StepId): void {
    this._away.add(id);
    this._changed.emit();
  }

  /** Say all hints again. */
  bringBack(): void {
    this._away.clear();
    this._changed.emit();
  }

  /** What to keep, so that it can be restored. */
  toJSON(): PartialJSONObject {
    return { away: [...this._away] };
  }

  restore(kept: ReadonlyPartialJSONValue | undefined): void {
    if (typeof kept !== 'object' || kept === null || !('away' in kept)) {
      return;
    }
    const { away } = kept;
    if (Array.isArray(away)) {
      this._away = new Set(
        away.filter((id): id is string => typeof id === 'string')
      );
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private _away = new Set<string>();
  private _kernel: IKernelNews | undefined;
}

function ofServer({ state, health, firstVersion }: IServerNews): IStep[] {
  if (
    state !== 'open' ||
    !health ||
    !firstVersion ||
    health.version === firstVersion
  ) {
    return [];
  }
  const [is, should] = [firstVersion, health.version];
  return [{ id: 'page-old', kind: 'trouble', is, should }];
}

function ofKernel(
  { state, health }: IServerNews,
  kernel: IKernelNews | undefined
): IStep[] {
  if (state !== 'open' || !health || !kernel) {
    return [];
  }
  if (kernel.version !== health.version) {
    const [is, should] = [kernel.version, health.version];
    return [{ id: 'kernel-old', kind: 'trouble', is, should }];
  }
  if (health.home !== null && kernel.home !== health.home) {
    return [{ id: 'kernel-elsewhere', kind: 'trouble' }];
  }
  return [];
}

/** Whether what was said of the home holds; nothing moves because the server is gone for a while. */
function isKnown({ state }: IServerNews): boolean {
  return state === 'open' || state === 'gone';
}

function ofTask(newest: Pick<TaskRow, 'stop'> | undefined): IStep[] {
  return newest?.stop === 'policy_failed'
    ? [{ id: 'no-answer', kind: 'trouble' }]
    : [];
}

function ofHome(status: Status): IStep[] {
  const steps: IStep[] = [];
  if (status.practice_only) {
    steps.push({ id: 'practice-only', kind: 'hint' });
  }
  if (status.skills === 0) {
    steps.push({ id: 'no-skills', kind: 'hint' });
  }
  const isQuickWithout = status.answering?.form === 'gguf';
  if (!status.gpu && !isQuickWithout && !/https?:\/\//.test(status.policy)) {
    steps.push({ id: 'no-gpu', kind: 'hint' });
  }
  return steps;
}
