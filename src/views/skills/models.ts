import { Drafts } from '../../models/drafts';
import type { Connection } from '../../models/connection';
import { Library } from '../../models/library';
import { SkillActs } from '../../models/skillActs';
import { useView } from '../context';

/** What outlives the views of skills: where one is in the tree, and edits that are not saved. */
interface ISkillModels {
  library: Library;
  drafts: Drafts;
  acts: SkillActs;
}

const kept = new WeakMap<Connection, ISkillModels>();

/** The models of the views of skills, one for each server. */
export function useSkillModels(): ISkillModels {
  const { connection } = useView();
  const known = kept.get(connection);
  if (known) {
    return known;
  }
  const made = {
    library: new Library(connection),
    drafts: new Drafts(),
    acts: new SkillActs(connection)
  };
  kept.set(connection, made);
  return made;
}
