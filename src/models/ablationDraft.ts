import { type ISignal, Signal } from '@lumino/signaling';
import type {
  AblationDefaults,
  AblationChoices,
  Planned,
  TaskSetChoice
} from '../api/schema';

/** The arms of the paper, the first of which the others are compared with. */
export const FIRST_ARMS: readonly string[] = ['baseline', 'skills', 'full'];

/** A number of the form, as it was typed. */
export type NumberField =
  'n' | 'seeds' | 'samples' | 'days' | 'minutes' | 'tokens';

/** Why an ablation cannot be started as it is written down. */
export type Obstacle = 'arms' | 'tasks' | NumberField;

interface IField {
  field: NumberField;
  /** The number that a text is; undefined where it is none. */
  read: (text: string) => number | undefined;
  needed: boolean;
}

const USUAL: Readonly<Record<NumberField, string>> = {
  n: '100',
  seeds: '3',
  samples: '1',
  days: '',
  minutes: '',
  tokens: ''
};

const FIELDS: readonly IField[] = [
  { field: 'n', read: whole, needed: true },
  { field: 'seeds', read: whole, needed: true },
  { field: 'samples', read: whole, needed: true },
  { field: 'days', read: whole, needed: false },
  { field: 'minutes', read: minutes, needed: false },
  { field: 'tokens', read: whole, needed: false }
];

/** The share of tasks on which two arms differ that is planned with. */
const DISCORDANT = 0.3;

/** Quantiles of the normal distribution: two-sided 5 %, divided by so many comparisons, and a power of 80 %. */
const LEVELS = [
  1.96, 2.241, 2.394, 2.498, 2.576, 2.638, 2.69, 2.734, 2.773, 2.807
];
const POWERFUL = 0.842;

/**
 * An ablation that is being written down. It outlives the form: who looks
 * something up elsewhere finds it as it was.
 */
export class AblationDraft {
  /** Anything in it is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether anything was chosen by hand. */
  get touched(): boolean {
    return this._touched;
  }

  readonly arms = new Set<string>();
  extra = '';
  tasks = '';
  /** The arm that was chosen to compare the others with; '' for the first. */
  reference = '';
  numbers: Record<NumberField, string> = { ...USUAL };

  /** Begin with what the server proposes, where nobody has chosen anything. */
  begin(options: AblationChoices): void {
    if (this._touched || this._begun) {
      return;
    }
    this._begun = true;
    const { defaults } = options;
    const known = new Set(options.arms.map(({ name }) => name));
    for (const arm of defaults.arms) {
      if (known.has(arm)) {
        this.arms.add(arm);
      }
    }
    const free = options.task_sets.find(({ why_not }) => why_not === null);
    this.tasks = defaults.tasks || (free?.spec ?? '');
    this._take(defaults);
    this._changed.emit();
  }

  /** Add an arm, or leave it out. */
  toggle(arm: string): void {
    if (!this.arms.delete(arm)) {
      this.arms.add(arm);
    }
    this._touch();
  }

  write(field: 'extra' | 'tasks' | 'reference', text: string): void {
    this[field] = text;
    this._touch();
  }

  type(field: NumberField, text: string): void {
    this.numbers[field] = text;
    this._touch();
  }

  /** Forget what was chosen: the next one begins with what the server proposes. */
  end(): void {
    this.arms.clear();
    this.extra = this.tasks = this.reference = '';
    this.numbers = { ...USUAL };
    this._touched = this._begun = false;
    this._changed.emit();
  }

  /** The arms that have a name, in the order of the server's list, then those in lines. */
  armsOf(options: AblationChoices): { named: string[]; extra: string[] } {
    const named = options.arms
      .map(({ name }) => name)
      .filter(name => this.arms.has(name));
    const extra = this.extra
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '');
    return { named, extra };
  }

  /** What all arms are called, in the same order. */
  namesOf(options: AblationChoices): string[] {
    const { named, extra } = this.armsOf(options);
    return [...named, ...extra.map(nameOf)];
  }

  /** The arm that the others are compared with: the first, where the chosen one is left out. */
  referenceOf(options: AblationChoices): string | undefined {
    const names = this.namesOf(options);
    return names.find(name => name === this.reference) ?? names[0];
  }

  /** What is in the way of starting it; undefined where nothing is. */
  obstacle(options: AblationChoices): Obstacle | undefined {
    const { named, extra } = this.armsOf(options);
    if (named.length + extra.length < 2) {
      return 'arms';
    }
    const chosen = this.chosenTasks(options);
    if (this.tasks.trim() === '' || chosen?.why_not) {
      return 'tasks';
    }
    return FIELDS.find(({ field, read, needed }) => {
      const text = this.numbers[field].trim();
      return text === '' ? needed : read(text) === undefined;
    })?.field;
  }

  chosenTasks(options: AblationChoices): TaskSetChoice | undefined {
    return options.task_sets.find(({ spec }) => spec === this.tasks);
  }

  /** What to ask of the server; undefined while something is in the way. */
  request(options: AblationChoices): Planned | undefined {
    if (this.obstacle(options) !== undefined) {
      return undefined;
    }
    const { named, extra } = this.armsOf(options);
    return {
      ...(this.namesOf(options).includes(this.reference) && {
        reference: this.reference
      }),
      arms: named,
      extra,
      tasks: this.tasks.trim(),
      n: whole(this.numbers.n) ?? 1,
      seeds: whole(this.numbers.seeds) ?? 1,
      samples: whole(this.numbers.samples) ?? 1,
      days: whole(this.numbers.days) ?? null,
      budget_minutes: minutes(this.numbers.minutes) ?? null,
      budget_tokens: whole(this.numbers.tokens) ?? null
    };
  }

  private _take(defaults: AblationDefaults): void {
    const given: [NumberField, number | null | undefined][] = [
      ['n', defaults.n],
      ['seeds', defaults.seeds],
      ['samples', defaults.samples],
      ['days', defaults.days],
      ['minutes', defaults.budget_minutes],
      ['tokens', defaults.budget_tokens]
    ];
    for (const [field, value] of given) {
      if (typeof value === 'number') {
        this.numbers[field] = String(value);
      }
    }
  }

  private _touch(): void {
    this._touched = true;
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _touched = false;
  private _begun = false;
}

/**
 * The true difference that so many tasks show with 80 % power, where two arms
 * differ on 30 % of them and `comparisons` are made; null where none would do.
 */
export function smallestShown(
  tasks: number,
  comparisons: number
): number | null {
  const place = Math.min(LEVELS.length, Math.max(1, comparisons)) - 1;
  const level = LEVELS[place] ?? 0;
  const shown = (level + POWERFUL) * Math.sqrt(DISCORDANT / tasks);
  return shown <= DISCORDANT ? shown : null;
}

/** A whole number from 1 on; undefined where the text is none. */
export function whole(text: string): number | undefined {
  const value = Number(text.trim());
  return text.trim() !== '' && Number.isSafeInteger(value) && value >= 1
    ? value
    : undefined;
}

/** The name of an arm that is written in a line. */
function nameOf(line: string): string {
  return line.split('=', 1)[0]?.trim() ?? line;
}

function minutes(text: string): number | undefined {
  const value = Number(text.trim());
  return text.trim() !== '' && Number.isFinite(value) && value > 0
    ? value
    : undefined;
}
