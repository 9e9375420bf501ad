import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { answer } from '../api/client';
import type { LibraryGroup, LibraryGroups, LibraryRow } from '../api/schema';
import type { Connection } from './connection';
import { type ILine, Outline } from './outline';
import { Resource } from './resource';
import { type IQuestion, PAGE, RowPages } from './rowPages';

/** A library of so many skills is shown whole; of a larger one only the groups, until one is opened. */
const SMALL = 100;

/** The groups of the library, with what was asked for. */
export interface IGroups extends LibraryGroups {
  question: IQuestion;
}

/** A line of the tree: a group's head, or a skill, which is undefined while it is not known. */
export interface ITreeLine extends ILine<LibraryGroup> {
  row: LibraryRow | undefined;
  open: boolean;
}

/** Where one is in the tree, by what does not change when the library does. */
interface IPoint {
  group: string;
  offset?: number;
  name?: string;
}

/**
 * The library as a tree of groups and skills, of which only what is seen is
 * asked for. Answers to older questions are left aside.
 */
export class Library {
  constructor(private readonly _connection: Connection) {
    this.groups = new Resource<IGroups>(_connection, async api => {
      const question = this._question;
      const found = await answer(
        api.GET('/library/groups', { params: { query: { ...question } } })
      );
      return { ...found, question };
    });
    this.groups.changed.connect(this._regroup);
    this._pages = new RowPages(_connection, this._question, this._tell);
  }

  readonly groups: Resource<IGroups>;

  /** How far down one has scrolled, in pixels. */
  scrolled = 0;

  /** What is asked for now; `groups` may be of an earlier question for a moment. */
  get question(): IQuestion {
    return this._question;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** How many lines the tree has. */
  get length(): number {
    return this._outline.length;
  }

  /** Why rows could not be had at the last try. */
  get failure(): Error | undefined {
    return this._pages.failure;
  }

  /** The index of the line that the keyboard is at. */
  get active(): number {
    const { group, offset, name } = this._point;
    const index = this._outline.indexOf(group, offset);
    if (name === undefined || index === undefined) {
      return index ?? this._outline.indexOf(group) ?? 0;
    }
    const row = this.line(index)?.row;
    return !row || row.name === name
      ? index
      : (this._indexOfRow(group, name) ?? index);
  }

  /** Ask for other groups, or for skills with certain words. */
  ask(asked: Partial<IQuestion>): void {
    const question = { ...this._question, ...asked };
    if (
      question.by === this._question.by &&
      question.search.trim() === this._question.search.trim()
    ) {
      return;
    }
    this._question = question;
    void this.groups.refresh();
    this._changed.emit();
  }

  /** Keep it fresh until what is returned is disposed. */
  watch(): IDisposable {
    return this.groups.watch();
  }

  /** The line at an index; undefined beyond the end. */
  line(index: number): ITreeLine | undefined {
    const line = this._outline.line(index);
    return (
      line && {
        ...line,
        open: this._outline.isOpen(line.group),
        row:
          line.offset === undefined
            ? undefined
            : this._pages.row(line.group.key, line.offset)
      }
    );
  }

  /** Have the rows that are seen, from one index to another. */
  need(first: number, last: number): void {
    for (let index = first; index <= last; index++) {
      const line = this._outline.line(index);
      if (line?.offset === undefined) {
        continue;
      }
      const left = line.group.count - line.offset - 1;
      const end = Math.min(left, last - index);
      this._pages.need(line.group.key, line.offset, line.offset + end);
      index += end;
    }
  }

  /** Put the keyboard at a line. */
  activate(index: number): void {
    const line = this.line(index);
    if (line) {
      this._point = pointOf(line);
      this._changed.emit();
    }
  }

  /** Open a group or close it. */
  toggle(group: LibraryGroup, open: boolean): void {
    this._opened.set(keyOf(this._shown, group), open);
    this._outline = new Outline(this._outline.groups, this._isOpen);
    this._changed.emit();
  }

  /** Open or close all groups. */
  toggleAll(open: boolean): void {
    for (const group of this._outline.groups) {
      this._opened.set(keyOf(this._shown, group), open);
    }
    this._outline = new Outline(this._outline.groups, this._isOpen);
    this._changed.emit();
  }

  /**
   * The next line after an index that begins with some letters: among what is
   * known first, else among all skills of the group that one is in.
   */
  async find(letters: string, from: number): Promise<number | undefined> {
    const wanted = letters.toLowerCase();
    for (let step = 0; step < this.length; step++) {
      const index = (from + step) % this.length;
      const line = this.line(index);
      const label =
        line?.offset === undefined ? line?.group.label : line.row?.name;
      if (label?.toLowerCase().startsWith(wanted)) {
        return index;
      }
    }
    const line = this._outline.line(from);
    return line && this._search(line.group, wanted);
  }

  /** The rows of a group are in order of their names: each page that is asked for halves what is left. */
  private async _search(
    group: LibraryGroup,
    wanted: string
  ): Promise<number | undefined> {
    const pages = this._pages;
    let low = 0;
    let high = Math.ceil(group.count / PAGE) - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const rows = await pages.page(group.key, middle);
      const at = rows?.findIndex(({ name }) => name >= wanted);
      if (!rows || at === undefined || this._pages !== pages) {
        return undefined;
      }
      if (at === -1) {
        low = middle + 1;
      } else if (at > 0 || middle === 0 || low === high) {
        const found = rows[at]?.name.startsWith(wanted);
        return found
          ? this._outline.indexOf(group.key, middle * PAGE + at)
          : undefined;
      } else {
        high = middle;
      }
    }
    return undefined;
  }

  private readonly _regroup = (): void => {
    const { value } = this.groups;
    if (value && value !== this._value) {
      this._value = value;
      if (value.question === this._pages.question) {
        this._pages.expire();
      } else {
        this._pages = new RowPages(
          this._connection,
          value.question,
          this._tell
        );
        this.scrolled = 0;
        this._point = { group: '' };
      }
      this._outline = new Outline(value.groups, this._isOpen);
    }
    this._changed.emit();
  };

  private readonly _tell = (): void => {
    this._changed.emit();
  };

  private readonly _isOpen = (group: LibraryGroup): boolean => {
    const value = this._value;
    const known = this._opened.get(keyOf(this._shown, group));
    const small = (value?.total ?? 0) <= SMALL || value?.groups.length === 1;
    return known ?? (small || this._shown.search.trim() !== '');
  };

  private get _shown(): IQuestion {
    return this._value?.question ?? this._question;
  }

  private _indexOfRow(group: string, name: string): number | undefined {
    const head = this._outline.indexOf(group) ?? this.length;
    for (let index = head + 1; index < this.length; index++) {
      const line = this.line(index);
      if (line?.group.key !== group) {
        return undefined;
      }
      if (line.row?.name === name) {
        return index;
      }
    }
    return undefined;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _opened = new Map<string, boolean>();
  private _question: IQuestion = { by: 'source', search: '' };
  private _point: IPoint = { group: '' };
  private _value: IGroups | undefined;
  private _pages: RowPages;
  private _outline = new Outline<LibraryGroup>([], () => false);
}

function pointOf({ group, offset, row }: ITreeLine): IPoint {
  if (offset === undefined) {
    return { group: group.key };
  }
  return row
    ? { group: group.key, offset, name: row.name }
    : { group: group.key, offset };
}

/** What a group is remembered by: opening one in a search says nothing of it elsewhere. */
function keyOf({ by, search }: IQuestion, { key }: LibraryGroup): string {
  return `${by} ${search.trim() === '' ? '' : 'search'} ${key}`;
}
