/** What is open in the tab: the list, the form for a new one, a run, its grid, or one task of it. */
export type AblationPlace =
  | { readonly kind: 'list' }
  | { readonly kind: 'new' }
  | { readonly kind: 'run'; readonly number: number }
  | { readonly kind: 'grid'; readonly number: number }
  | { readonly kind: 'task'; readonly number: number; readonly task: string };

/** The subject of the form for a new ablation. */
export const NEW_ABLATION = 'new';

const LIST: AblationPlace = { kind: 'list' };

/** The place that a subject of the tab names; the list where it names none. */
export function placeOf(subject: string | undefined): AblationPlace {
  if (subject === NEW_ABLATION) {
    return { kind: 'new' };
  }
  const found = /^([1-9]\d*)(?:\/tasks(?:\/(.+))?)?$/su.exec(subject ?? '');
  if (!found) {
    return LIST;
  }
  const number = Number(found[1]);
  if (found[2] !== undefined) {
    return { kind: 'task', number, task: found[2] };
  }
  return subject === found[1]
    ? { kind: 'run', number }
    : { kind: 'grid', number };
}

/** The subject of a run. */
export function runSubject(number: number): string {
  return String(number);
}

/** The subject of a run's tasks, or of one of them. */
export function tasksSubject(number: number, task?: string): string {
  return `${String(number)}/tasks${task === undefined ? '' : `/${task}`}`;
}
