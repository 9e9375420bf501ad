import { type Api, answer } from '../api/client';
import type { Done } from '../api/schema';
import type { Connection } from './connection';
import type { IVersion } from './drafts';

/** Something that was done to the library. */
export interface IAct {
  /** What was done, in a sentence, and what else there is to say. */
  told: string;
  /** Take it back; not there where nothing can be taken back. Rejects where somebody has changed it since. */
  undo?: () => Promise<IAct>;
}

/** How a skill takes part: what can be switched on and off. */
export type Switch = 'pin' | 'enable' | 'quarantine';

/** What a person does to the library, each with its way back. */
export class SkillActs {
  constructor(private readonly _connection: Connection) {}

  /** Switch something of a skill on or off. */
  async turn(name: string, what: Switch, on: boolean): Promise<IAct> {
    const asked = { params: { path: { name } }, body: { on } };
    const done = await this._ask(api => {
      switch (what) {
        case 'pin':
          return answer(api.POST('/skills/{name}/pin', asked));
        case 'enable':
          return answer(api.POST('/skills/{name}/enable', asked));
        case 'quarantine':
          return answer(api.POST('/skills/{name}/quarantine', asked));
      }
    });
    return { told: tell(done), undo: () => this.turn(name, what, !on) };
  }

  /**
   * Save an edit of the text `before`. Rejects with a refusal whose reason is
   * `SkillChanged` where another text is current.
   */
  async save(name: string, text: string, before: IVersion): Promise<IAct> {
    const done = await this._ask(api =>
      answer(
        api.PUT('/skills/{name}', {
          params: { path: { name } },
          body: { text, base: before.hash }
        })
      )
    );
    const made = await this.text(name);
    const act = { told: tell(done) };
    return made.hash === before.hash || before.broken
      ? act
      : { ...act, undo: () => this.save(name, before.text, made) };
  }

  /** Add a skill. */
  async add(text: string): Promise<IAct> {
    const done = await this._ask(api =>
      answer(api.POST('/skills', { body: { text } }))
    );
    const [name] = [...done.changes.added, ...done.changes.changed];
    const act = { told: tell(done) };
    return name === undefined
      ? act
      : { ...act, undo: () => this.remove(name, done.made, []) };
  }

  /** Take a skill out, which had these marks; `last` is the newest generation that has it. */
  async remove(
    name: string,
    last: number,
    marks: readonly string[]
  ): Promise<IAct> {
    const done = await this._ask(api =>
      answer(api.DELETE('/skills/{name}', { params: { path: { name } } }))
    );
    const undo = async (): Promise<IAct> => {
      const back = await this._rollBack(name, last);
      if (marks.includes('quarantined')) {
        await this.turn(name, 'quarantine', true);
      }
      if (marks.includes('disabled')) {
        await this.turn(name, 'enable', false);
      }
      return { told: tell(back) };
    };
    return { told: tell(done), undo };
  }

  /** Have a skill as it was in a generation; `before` is as it is. */
  async rollBack(
    name: string,
    generation: number,
    before: IVersion
  ): Promise<IAct> {
    const done = await this._rollBack(name, generation);
    const made = await this.text(name);
    const act = { told: tell(done) };
    return done.made === done.before
      ? act
      : { ...act, undo: () => this.save(name, before.text, made) };
  }

  /** Have the whole library as it was in a generation. */
  async rollBackLibrary(generation: number): Promise<IAct> {
    const done = await this._ask(api =>
      answer(
        api.POST('/generations/{number}/rollback', {
          params: { path: { number: String(generation) } }
        })
      )
    );
    if (done.made === done.before) {
      return { told: tell(done) };
    }
    const undo = async (): Promise<IAct> => {
      const { current } = await this._ask(api =>
        answer(api.GET('/generations', { params: { query: { limit: 1 } } }))
      );
      if (current !== done.made) {
        throw new MovedOn(current);
      }
      return this.rollBackLibrary(done.before);
    };
    return { told: tell(done), undo };
  }

  /** The text of a skill in a generation; as it is to be edited where none is named. */
  async text(name: string, generation?: number): Promise<IVersion> {
    const query = generation === undefined ? {} : { generation };
    const { text, base } = await this._ask(api =>
      answer(
        api.GET('/skills/{name}/text', { params: { path: { name }, query } })
      )
    );
    return { text, hash: base };
  }

  private _rollBack(name: string, generation: number): Promise<Done> {
    return this._ask(api =>
      answer(
        api.POST('/skills/{name}/rollback', {
          params: { path: { name } },
          body: { generation }
        })
      )
    );
  }

  private async _ask<T>(ask: (api: Api) => Promise<T>): Promise<T> {
    try {
      const done = await ask(this._connection.api);
      this._connection.note();
      return done;
    } catch (error) {
      this._connection.note(error);
      throw error;
    }
  }
}

/** The library is not as it was when something was done: taking that back would take more back. */
export class MovedOn extends Error {
  constructor(readonly generation: number) {
    super(`The library has moved on to generation ${String(generation)}.`);
    this.name = 'MovedOn';
  }
}

function tell({ told, notes }: Done): string {
  return [told, ...notes].join(' ');
}
