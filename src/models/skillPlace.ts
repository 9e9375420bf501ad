/** What the tab of skills shows. No name of a skill begins with a colon. */
export type SkillPlace =
  | { kind: 'library' }
  | { kind: 'generations' }
  | { kind: 'generation'; number: number }
  | { kind: 'new' }
  | { kind: 'skill'; name: string };

const GENERATION = /^:generation\/(\d{1,15})$/;

export const GENERATIONS = ':generations';
export const NEW_SKILL = ':new';

/** The subject of a place in the sidebar that shows a generation. */
export function generationSubject(number: number): string {
  return `:generation/${String(number)}`;
}

/** What a subject is; anything odd is the list. */
export function skillPlace(subject: string | undefined): SkillPlace {
  if (subject === undefined || subject === '') {
    return { kind: 'library' };
  }
  if (!subject.startsWith(':')) {
    return { kind: 'skill', name: subject };
  }
  if (subject === GENERATIONS) {
    return { kind: 'generations' };
  }
  if (subject === NEW_SKILL) {
    return { kind: 'new' };
  }
  const found = GENERATION.exec(subject);
  return found
    ? { kind: 'generation', number: Number(found[1]) }
    : { kind: 'library' };
}
