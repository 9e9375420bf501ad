import type { TranslationBundle } from '@jupyterlab/translation';
import type { Setting } from '../../api/schema';

/** What a section of config.toml is about: a title, and a sentence. One that is not known has its own name. */
export function sectionInWords(
  name: string,
  trans: TranslationBundle
): { title: string; about: string } {
  const known: Record<string, [string, string]> = {
    policy: [
      trans.__('Policy'),
      trans.__(
        'Which model answers: an endpoint, or one on this machine where there is none.'
      )
    ],
    agent: [trans.__('Agent'), trans.__('How it works in a notebook.')],
    skills: [
      trans.__('Skills in prompts'),
      trans.__(
        'How skills are found, and how many of them are put in a prompt.'
      )
    ],
    evolver: [
      trans.__('Learning from failures'),
      trans.__('What makes skills of tasks that failed.')
    ],
    training: [
      trans.__('Training'),
      trans.__('How the weights of the local policy are trained.')
    ],
    judge: [
      trans.__('Judge'),
      trans.__('The model that scores steps where no check can.')
    ],
    sandbox: [
      trans.__('Sandbox'),
      trans.__('What code may do that runs while nobody looks.')
    ],
    server: [
      trans.__('Policy server'),
      trans.__('The process that serves the local policy.')
    ],
    scheduler: [
      trans.__('Training by itself'),
      trans.__('When nobody works, and when it may train then.')
    ],
    calendar: [
      trans.__('Calendar'),
      trans.__('A calendar that tells when you are away.')
    ],
    proxy: [
      trans.__('Other agents'),
      trans.__('What they get at this server, and what is learnt from them.')
    ]
  };
  const [title, about] = known[name] ?? [name, ''];
  return { title, about };
}

/** The name of a setting within its section, as people read it. */
export function nameOf(key: string): string {
  return key.slice(key.indexOf('.') + 1).replaceAll('_', ' ');
}

/** Where the value in force comes from. */
export function sourceInWords(
  { source, variable, overridden }: Setting,
  trans: TranslationBundle
): string {
  switch (source) {
    case 'default':
      return trans.__('default');
    case 'config.toml':
      return trans.__('set in config.toml');
    case 'environment':
      return overridden
        ? trans.__('the environment variable %1, over config.toml', variable)
        : trans.__('the environment variable %1', variable);
    case 'administrator':
      return overridden
        ? trans.__('the administrator, over config.toml')
        : trans.__('the administrator');
    case 'session':
      return trans.__('this session');
  }
}

/** A default as it is shown beside a setting. */
export function defaultInWords(
  { kind, default: value }: Pick<Setting, 'kind' | 'default'>,
  trans: TranslationBundle
): string {
  if (value === null || value === undefined) {
    return trans.__('unset');
  }
  if (kind === 'bool') {
    return value === true ? trans.__('on') : trans.__('off');
  }
  if (value === '') {
    return trans.__('empty');
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
