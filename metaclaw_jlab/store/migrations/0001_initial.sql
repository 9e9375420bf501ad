-- The first schema: everything that the invariants need, roles, generations and adapters included.

CREATE TABLE activity (
  process TEXT NOT NULL,
  notebook TEXT,
  state TEXT NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (process)
)
 WITHOUT ROWID;

CREATE TABLE counters (
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (name)
)
 WITHOUT ROWID;

CREATE TABLE events (
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  fields TEXT NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (number),
  CONSTRAINT number_is_positive CHECK (number > 0)
);

CREATE TABLE forgotten (
  id TEXT NOT NULL,
  PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE generations (
  number INTEGER NOT NULL,
  parent INTEGER,
  cause TEXT NOT NULL,
  members TEXT NOT NULL,
  evidence TEXT NOT NULL,
  created_at FLOAT NOT NULL,
  PRIMARY KEY (number),
  CONSTRAINT number_is_natural CHECK (number >= 0),
  CONSTRAINT parent_precedes CHECK (parent IS number - 1 OR (number = 0 AND parent IS NULL)),
  FOREIGN KEY(parent) REFERENCES generations (number)
);

CREATE TABLE skills (
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  content TEXT NOT NULL,
  created_at FLOAT NOT NULL,
  PRIMARY KEY (sha256),
  UNIQUE (sha256, name)
)
 WITHOUT ROWID;

CREATE TABLE adapters (
  version INTEGER NOT NULL,
  base TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  status TEXT NOT NULL,
  skill_generation INTEGER NOT NULL,
  created_at FLOAT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (version),
  CONSTRAINT version_is_positive CHECK (version > 0),
  CONSTRAINT status_is_known CHECK (status IN ('candidate', 'promoted', 'rejected', 'forced')),
  FOREIGN KEY(skill_generation) REFERENCES generations (number)
);

CREATE TABLE generation_members (
  generation INTEGER NOT NULL,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (generation, name),
  FOREIGN KEY(sha256, name) REFERENCES skills (sha256, name),
  FOREIGN KEY(generation) REFERENCES generations (number)
)
 WITHOUT ROWID;

CREATE TABLE trajectories (
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  notebook TEXT,
  cell_id TEXT,
  text_sha256 TEXT NOT NULL,
  task TEXT NOT NULL,
  skill_generation INTEGER NOT NULL,
  skills TEXT NOT NULL,
  model TEXT NOT NULL,
  adapter INTEGER,
  seed INTEGER,
  purpose TEXT NOT NULL,
  created_at FLOAT NOT NULL,
  process TEXT NOT NULL,
  role TEXT NOT NULL,
  role_reason TEXT NOT NULL,
  drained_at FLOAT,
  stop TEXT,
  stop_detail TEXT NOT NULL,
  checks TEXT NOT NULL,
  seconds FLOAT NOT NULL,
  score TEXT,
  PRIMARY KEY (number),
  CONSTRAINT number_is_positive CHECK (number > 0),
  CONSTRAINT role_is_one CHECK (role IN ('neither', 'support', 'query')),
  UNIQUE (id),
  FOREIGN KEY(skill_generation) REFERENCES generations (number)
);

CREATE INDEX trajectories_by_notebook ON trajectories (notebook, number);

CREATE INDEX trajectories_by_role ON trajectories (role, skill_generation);

CREATE INDEX trajectories_by_stop ON trajectories (stop);

CREATE INDEX trajectories_by_text ON trajectories (text_sha256, number);

CREATE TABLE generation_evidence (
  trajectory TEXT NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (trajectory),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id),
  FOREIGN KEY(generation) REFERENCES generations (number)
)
 WITHOUT ROWID;

CREATE TABLE steps (
  trajectory TEXT NOT NULL,
  position INTEGER NOT NULL,
  shared INTEGER NOT NULL,
  messages TEXT NOT NULL,
  reply TEXT NOT NULL,
  action TEXT NOT NULL,
  observation TEXT,
  scores TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  policy_seconds FLOAT NOT NULL,
  PRIMARY KEY (trajectory, position),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id)
)
 WITHOUT ROWID;

INSERT INTO generations (number, parent, cause, members, evidence, created_at)
VALUES (0, NULL, 'initial', '{}', '[]', :now);

INSERT INTO counters (name, value) VALUES ('adapter', 0);

CREATE TRIGGER trajectories_are_new BEFORE INSERT ON trajectories
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.id OR number = NEW.number)
  OR EXISTS (SELECT 1 FROM forgotten WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'A trajectory of this id was recorded before.');
END;

CREATE TRIGGER trajectories_begin_in_a_generation BEFORE INSERT ON trajectories
WHEN NOT EXISTS (SELECT 1 FROM generations WHERE number = NEW.skill_generation)
BEGIN
  SELECT RAISE(ABORT, 'A trajectory is stamped with a skill generation that exists.');
END;

CREATE TRIGGER trajectories_begin_without_role BEFORE INSERT ON trajectories
WHEN NEW.role <> 'neither' OR NEW.drained_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'A trajectory begins as neither support nor query.');
END;

CREATE TRIGGER trajectories_keep_their_stamp BEFORE UPDATE OF number, id, notebook, cell_id, text_sha256, task, skill_generation, skills, model, adapter, seed, purpose, created_at ON trajectories
BEGIN
  SELECT RAISE(ABORT, 'The task and the stamp of a trajectory never change.');
END;

CREATE TRIGGER trajectories_end_once BEFORE UPDATE OF stop, stop_detail, checks, seconds ON trajectories
WHEN OLD.stop IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'A trajectory that has ended keeps its end: only its score may still change.');
END;

CREATE TRIGGER support_is_for_ever BEFORE UPDATE OF role ON trajectories
WHEN OLD.role = 'support'
BEGIN
  SELECT RAISE(ABORT, 'A support trajectory is support for ever.');
END;

CREATE TRIGGER support_is_not_deleted BEFORE DELETE ON trajectories
WHEN OLD.role = 'support'
BEGIN
  SELECT RAISE(ABORT, 'A support trajectory is never deleted.');
END;

CREATE TRIGGER query_does_not_become_neither BEFORE UPDATE OF role ON trajectories
WHEN OLD.role = 'query' AND NEW.role = 'neither'
BEGIN
  SELECT RAISE(ABORT, 'A query trajectory stays query, or becomes support.');
END;

CREATE TRIGGER only_learnable_purposes_have_a_role BEFORE UPDATE OF role ON trajectories
WHEN NEW.role <> 'neither' AND OLD.purpose NOT IN ('user', 'retry', 'proxy')
BEGIN
  SELECT RAISE(ABORT, 'A trajectory of an ablation, a gate, a benchmark or a replay is neither support nor query, for ever.');
END;

CREATE TRIGGER query_has_ended BEFORE UPDATE OF role ON trajectories
WHEN NEW.role = 'query' AND OLD.role <> 'query' AND NEW.stop IS NULL
BEGIN
  SELECT RAISE(ABORT, 'A trajectory becomes query only when it has ended.');
END;

CREATE TRIGGER query_is_of_the_current_generation BEFORE UPDATE OF role ON trajectories
WHEN NEW.role = 'query' AND OLD.role <> 'query' AND OLD.skill_generation IS NOT (SELECT max(number) FROM generations)
BEGIN
  SELECT RAISE(ABORT, 'A trajectory becomes query only while its skill generation is the current one.');
END;

CREATE TRIGGER support_comes_with_a_generation BEFORE UPDATE OF role ON trajectories
WHEN NEW.role = 'support' AND NOT EXISTS (SELECT 1 FROM generation_evidence WHERE trajectory = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'A trajectory becomes support only with the generation that it caused.');
END;

CREATE TRIGGER what_was_drained_is_no_support BEFORE UPDATE OF role ON trajectories
WHEN NEW.role = 'support' AND OLD.drained_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'A trajectory that a training run has drained never becomes support.');
END;

CREATE TRIGGER what_passed_since_is_no_support BEFORE UPDATE OF role ON trajectories
WHEN NEW.role = 'support' AND OLD.skill_generation < (SELECT max(number) FROM generations) - 1 AND EXISTS (
  SELECT 1 FROM trajectories later
  WHERE later.text_sha256 = OLD.text_sha256 AND later.number > OLD.number
    AND later.notebook IS OLD.notebook AND later.cell_id IS OLD.cell_id AND later.stop = 'done'
    AND later.purpose IN ('user', 'retry', 'proxy') AND coalesce(json_extract(later.score, '$.value'), 0) >= 0)
BEGIN
  SELECT RAISE(ABORT, 'The same task has passed since: a late failure of an older generation evolves nothing any more.');
END;

CREATE TRIGGER only_current_query_is_drained BEFORE UPDATE OF drained_at ON trajectories
WHEN OLD.role <> 'query' OR OLD.skill_generation IS NOT (SELECT max(number) FROM generations)
BEGIN
  SELECT RAISE(ABORT, 'Only a query trajectory of the current skill generation is drained.');
END;

CREATE TRIGGER a_drain_is_kept BEFORE UPDATE OF drained_at ON trajectories
WHEN OLD.drained_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'A drained trajectory stays drained.');
END;

CREATE TRIGGER trajectories_are_forgotten_whole AFTER DELETE ON trajectories
BEGIN
  DELETE FROM steps WHERE trajectory = OLD.id;
  INSERT INTO forgotten (id) VALUES (OLD.id);
END;

CREATE TRIGGER forgotten_are_gone BEFORE INSERT ON forgotten
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'A trajectory that exists is not forgotten.');
END;

CREATE TRIGGER forgotten_stay BEFORE DELETE ON forgotten
BEGIN
  SELECT RAISE(ABORT, 'A forgotten id is never deleted.');
END;

CREATE TRIGGER forgotten_do_not_change BEFORE UPDATE ON forgotten
BEGIN
  SELECT RAISE(ABORT, 'A forgotten id never changes.');
END;

CREATE TRIGGER steps_follow_each_other BEFORE INSERT ON steps
WHEN NEW.position IS NOT (SELECT coalesce(max(position) + 1, 0) FROM steps WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'The steps of a trajectory follow each other without a gap.');
END;

CREATE TRIGGER steps_go_to_open_trajectories BEFORE INSERT ON steps
WHEN NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory AND stop IS NULL)
BEGIN
  SELECT RAISE(ABORT, 'A step belongs to an open trajectory.');
END;

CREATE TRIGGER steps_do_not_change BEFORE UPDATE OF trajectory, position, shared, messages, reply, action, prompt_tokens, completion_tokens, policy_seconds ON steps
BEGIN
  SELECT RAISE(ABORT, 'What a step said and did never changes.');
END;

CREATE TRIGGER steps_are_observed_once BEFORE UPDATE OF observation ON steps
WHEN OLD.observation IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'The observation of a step never changes.');
END;

CREATE TRIGGER steps_stay BEFORE DELETE ON steps
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'A step goes only with its trajectory.');
END;

CREATE TRIGGER skills_are_new BEFORE INSERT ON skills
WHEN EXISTS (SELECT 1 FROM skills WHERE sha256 = NEW.sha256)
BEGIN
  SELECT RAISE(ABORT, 'A skill of this content is there already.');
END;

CREATE TRIGGER skills_stay BEFORE DELETE ON skills
BEGIN
  SELECT RAISE(ABORT, 'A stored skill is never deleted.');
END;

CREATE TRIGGER skills_do_not_change BEFORE UPDATE ON skills
BEGIN
  SELECT RAISE(ABORT, 'A stored skill never changes.');
END;

CREATE TRIGGER generations_follow_each_other BEFORE INSERT ON generations
WHEN NEW.number IS NOT coalesce((SELECT max(number) FROM generations) + 1, 0)
BEGIN
  SELECT RAISE(ABORT, 'Skill generations are numbered without a gap, and no number comes twice.');
END;

CREATE TRIGGER generations_change_something BEFORE INSERT ON generations
WHEN NEW.members = (SELECT members FROM generations WHERE number = (SELECT max(number) FROM generations))
BEGIN
  SELECT RAISE(ABORT, 'A generation with the same members changes nothing: it is not made.');
END;

CREATE TRIGGER generations_have_known_skills BEFORE INSERT ON generations
WHEN EXISTS (SELECT 1 FROM json_each(NEW.members) AS member WHERE NOT EXISTS (
  SELECT 1 FROM skills WHERE sha256 = member.value AND name = member.key))
BEGIN
  SELECT RAISE(ABORT, 'Every member of a generation is a stored skill.');
END;

CREATE TRIGGER generations_stay BEFORE DELETE ON generations
BEGIN
  SELECT RAISE(ABORT, 'A skill generation is never deleted.');
END;

CREATE TRIGGER generations_do_not_change BEFORE UPDATE ON generations
BEGIN
  SELECT RAISE(ABORT, 'A skill generation never changes.');
END;

CREATE TRIGGER generations_come_whole AFTER INSERT ON generations
BEGIN
  INSERT INTO generation_members (generation, name, sha256)
    SELECT NEW.number, key, value FROM json_each(NEW.members);
  INSERT INTO generation_evidence (trajectory, generation)
    SELECT value, NEW.number FROM json_each(NEW.evidence);
  UPDATE trajectories SET role = 'support' WHERE id IN (SELECT value FROM json_each(NEW.evidence));
END;

CREATE TRIGGER members_are_of_their_generation BEFORE INSERT ON generation_members
WHEN EXISTS (SELECT 1 FROM generation_members WHERE generation = NEW.generation AND name = NEW.name)
  OR NOT EXISTS (SELECT 1 FROM generations, json_each(generations.members) AS member
    WHERE generations.number = NEW.generation AND member.key = NEW.name AND member.value = NEW.sha256)
BEGIN
  SELECT RAISE(ABORT, 'The members of a generation come with it.');
END;

CREATE TRIGGER generation_members_stay BEFORE DELETE ON generation_members
BEGIN
  SELECT RAISE(ABORT, 'A member of a generation is never deleted.');
END;

CREATE TRIGGER generation_members_do_not_change BEFORE UPDATE ON generation_members
BEGIN
  SELECT RAISE(ABORT, 'A member of a generation never changes.');
END;

CREATE TRIGGER evidence_is_consumed_once BEFORE INSERT ON generation_evidence
WHEN EXISTS (SELECT 1 FROM generation_evidence WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'The failure of a trajectory causes one generation only.');
END;

CREATE TRIGGER evidence_is_of_its_generation BEFORE INSERT ON generation_evidence
WHEN NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory)
  OR NOT EXISTS (SELECT 1 FROM generations, json_each(generations.evidence) AS evidence
    WHERE generations.number = NEW.generation AND evidence.value = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'The evidence of a generation comes with it, and is recorded.');
END;

CREATE TRIGGER generation_evidence_stay BEFORE DELETE ON generation_evidence
BEGIN
  SELECT RAISE(ABORT, 'The evidence of a generation is never deleted.');
END;

CREATE TRIGGER generation_evidence_do_not_change BEFORE UPDATE ON generation_evidence
BEGIN
  SELECT RAISE(ABORT, 'The evidence of a generation never changes.');
END;

CREATE TRIGGER adapters_follow_each_other BEFORE INSERT ON adapters
WHEN NEW.version IS NOT (SELECT value + 1 FROM counters WHERE name = 'adapter')
BEGIN
  SELECT RAISE(ABORT, 'Adapter versions are numbered without a gap, and no version comes twice.');
END;

CREATE TRIGGER adapters_begin_as_candidates BEFORE INSERT ON adapters
WHEN NEW.status <> 'candidate'
BEGIN
  SELECT RAISE(ABORT, 'An adapter begins as a candidate.');
END;

CREATE TRIGGER adapters_begin_in_a_generation BEFORE INSERT ON adapters
WHEN NOT EXISTS (SELECT 1 FROM generations WHERE number = NEW.skill_generation)
BEGIN
  SELECT RAISE(ABORT, 'An adapter is of a skill generation that exists.');
END;

CREATE TRIGGER adapters_do_not_change BEFORE UPDATE OF version, base, sha256, skill_generation, created_at ON adapters
BEGIN
  SELECT RAISE(ABORT, 'What an adapter is never changes, only its status.');
END;

CREATE TRIGGER adapters_are_decided_once BEFORE UPDATE OF status ON adapters
WHEN OLD.status <> 'candidate' AND NOT (OLD.status = 'rejected' AND NEW.status = 'forced')
BEGIN
  SELECT RAISE(ABORT, 'An adapter is decided on once; only a rejected one may be forced.');
END;

CREATE TRIGGER served_adapters_stay BEFORE DELETE ON adapters
WHEN OLD.status IN ('promoted', 'forced')
BEGIN
  SELECT RAISE(ABORT, 'An adapter that may have served is never deleted.');
END;

CREATE TRIGGER adapters_are_counted AFTER INSERT ON adapters
BEGIN
  UPDATE counters SET value = NEW.version WHERE name = 'adapter';
END;

CREATE TRIGGER counters_are_new BEFORE INSERT ON counters
WHEN EXISTS (SELECT 1 FROM counters WHERE name = NEW.name)
BEGIN
  SELECT RAISE(ABORT, 'A counter of this name is there already.');
END;

CREATE TRIGGER counters_only_grow BEFORE UPDATE ON counters
WHEN NEW.name <> OLD.name OR NEW.value <= OLD.value
BEGIN
  SELECT RAISE(ABORT, 'A counter only grows.');
END;

CREATE TRIGGER counters_stay BEFORE DELETE ON counters
BEGIN
  SELECT RAISE(ABORT, 'A counter is never deleted.');
END;

CREATE TRIGGER events_are_new BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE number = NEW.number)
BEGIN
  SELECT RAISE(ABORT, 'An event of this number was recorded before.');
END;

CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'An event is never deleted.');
END;

CREATE TRIGGER events_do_not_change BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'An event never changes.');
END;
