import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import { codeOf, type IMark } from './mark';
import { sha256 } from './sha256';

/** Where a cell's metadata say whence it came. */
export const PROVENANCE_KEY = 'metaclaw';

export type ProposalState = 'proposed' | 'accepted' | 'rejected';

const STATES: readonly unknown[] = ['proposed', 'accepted', 'rejected'];

/** A skill that was in the prompt. */
export interface IUsedSkill {
  readonly name: string;
  readonly sha256: string;
}

/** Under what a task was done. */
export interface ITaskStamp {
  readonly skills: readonly IUsedSkill[];
  /** null where it is not known. */
  readonly generation: number | null;
  /** null for the policy without one, and where it is not known. */
  readonly adapter: number | null;
}

/** Whence a cell came: ids and hashes, no prompt and no code. */
export interface IProvenance extends IMark, ITaskStamp {
  readonly state: ProposalState;
  /** Of the code as it was proposed, without its mark. */
  readonly sha256: string;
  /** The id of the cell that the proposal is for, where it is for another one. */
  readonly target: string | null;
}

/** What is known of the prompt where nothing has told it. */
export const UNKNOWN_STAMP: ITaskStamp = {
  skills: [],
  generation: null,
  adapter: null
};

/** What a cell that begins as a proposal is marked with. */
export function proposedProvenance(
  mark: IMark,
  source: string,
  stamp: ITaskStamp,
  target: string | null
): IProvenance {
  const { skills, generation, adapter } = stamp;
  return {
    ...mark,
    state: 'proposed',
    sha256: sha256(codeOf(source)),
    skills,
    generation,
    adapter,
    target
  };
}

/** As it stands in the metadata: plain JSON, its keys always in the same order. */
export function provenanceToJSON(provenance: IProvenance): PartialJSONObject {
  const json: PartialJSONObject = {
    version: 1,
    trajectory: provenance.trajectory,
    step: provenance.step,
    state: provenance.state,
    sha256: provenance.sha256,
    skills: provenance.skills.map(skill => ({
      name: skill.name,
      sha256: skill.sha256
    })),
    generation: provenance.generation,
    adapter: provenance.adapter
  };
  if (provenance.target !== null) {
    json['target'] = provenance.target;
  }
  return json;
}

/** What a cell's metadata say; null where they say nothing that is understood. */
export function readProvenance(
  metadata: PartialJSONObject
): IProvenance | null {
  const json = metadata[PROVENANCE_KEY];
  if (!isObject(json) || json['version'] !== 1) {
    return null;
  }
  const { trajectory, step, state, sha256: hash, target } = json;
  if (
    typeof trajectory !== 'string' ||
    !isCount(step) ||
    !isState(state) ||
    typeof hash !== 'string'
  ) {
    return null;
  }
  return {
    trajectory,
    step,
    state,
    sha256: hash,
    ...readStamp(json),
    target: typeof target === 'string' ? target : null
  };
}

/** Skills, generation and adapter as they stand in an object. */
export function readStamp(json: PartialJSONObject): ITaskStamp {
  const { skills, generation, adapter } = json;
  return {
    skills: Array.isArray(skills)
      ? skills.flatMap(skill => readSkill(skill))
      : [],
    generation: isCount(generation) ? generation : null,
    adapter: isCount(adapter) ? adapter : null
  };
}

/** Whether the code is another than what was proposed. */
export function isEdited(provenance: IProvenance, source: string): boolean {
  return sha256(codeOf(source)) !== provenance.sha256;
}

function readSkill(skill: PartialJSONValue | undefined): IUsedSkill[] {
  if (!isObject(skill) || typeof skill['name'] !== 'string') {
    return [];
  }
  const hash = skill['sha256'];
  return [
    { name: skill['name'], sha256: typeof hash === 'string' ? hash : '' }
  ];
}

function isState(value: unknown): value is ProposalState {
  return STATES.includes(value);
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

function isObject(
  value: PartialJSONValue | undefined
): value is PartialJSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
