-- What is learnt: feedback, what was decided about failures, uses of skills, where they came from, their index.

ALTER TABLE trajectories
  ADD COLUMN learn INTEGER DEFAULT 1 NOT NULL CONSTRAINT learn_is_a_switch CHECK (learn IN (0, 1));

ALTER TABLE trajectories
  ADD COLUMN unsettled INTEGER DEFAULT 0 NOT NULL CONSTRAINT unsettled_is_a_switch CHECK (unsettled IN (0, 1));

ALTER TABLE steps ADD COLUMN ran TEXT;

CREATE INDEX trajectories_unsettled ON trajectories (number) WHERE unsettled = 1 AND drained_at IS NULL AND role <> 'support';

CREATE TABLE feedback (
  trajectory TEXT NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (trajectory, position),
  CONSTRAINT kind_is_known CHECK (kind IN ('good', 'bad', 'edited', 'rejected')),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id)
)
 WITHOUT ROWID;

CREATE TABLE settlements (
  trajectory TEXT NOT NULL,
  decision TEXT NOT NULL,
  reason TEXT NOT NULL,
  heard INTEGER NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (trajectory),
  CONSTRAINT decision_is_known CHECK (decision IN ('evolved', 'explained', 'kept')),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id)
)
 WITHOUT ROWID;

CREATE TABLE uses (
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  number INTEGER NOT NULL,
  outcome TEXT,
  effect TEXT,
  PRIMARY KEY (name, sha256, number),
  CONSTRAINT outcome_is_known CHECK (outcome IN ('passed', 'failed', 'raised', 'unchecked')),
  CONSTRAINT effect_is_known CHECK (effect IN ('helped', 'hurt', 'none')),
  FOREIGN KEY(number) REFERENCES trajectories (number)
)
 WITHOUT ROWID;

CREATE INDEX uses_by_outcome ON uses (name, outcome, effect);

CREATE INDEX uses_by_trajectory ON uses (number);

CREATE INDEX uses_unverified ON uses (number) WHERE effect IS NULL AND outcome IN ('passed', 'failed');

CREATE TABLE lineage (
  generation INTEGER NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  trajectory TEXT NOT NULL,
  said TEXT NOT NULL,
  PRIMARY KEY (generation, position),
  FOREIGN KEY(generation, name) REFERENCES generation_members (generation, name),
  FOREIGN KEY(generation) REFERENCES generations (number),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id)
)
 WITHOUT ROWID;

CREATE INDEX lineage_by_name ON lineage (name, generation);

CREATE TABLE index_texts (
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  trajectory TEXT NOT NULL,
  hits INTEGER NOT NULL,
  misses INTEGER NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (name, text),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id)
)
 WITHOUT ROWID;

CREATE TABLE undecided_wordings (
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  wordings TEXT NOT NULL,
  sources TEXT NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (name)
)
 WITHOUT ROWID;

CREATE TABLE marks (
  name TEXT NOT NULL,
  mark TEXT NOT NULL,
  sha256 TEXT,
  at FLOAT NOT NULL,
  PRIMARY KEY (name, mark),
  CONSTRAINT mark_is_known CHECK (mark IN ('pinned', 'disabled', 'quarantined'))
)
 WITHOUT ROWID;

CREATE TABLE notebooks (
  notebook TEXT NOT NULL,
  learn INTEGER NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (notebook),
  CONSTRAINT learn_is_a_switch CHECK (learn IN (0, 1))
)
 WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('index_texts', 0);

-- What was recorded before: its uses, the settlements of support, and the failures that nobody decided on.
INSERT INTO uses (name, sha256, number, outcome)
SELECT DISTINCT json_extract(value, '$[0]') AS name, json_extract(value, '$[1]') AS sha256, number,
  CASE WHEN stop IS NOT NULL THEN CASE WHEN EXISTS (SELECT 1 FROM json_each(trajectories.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN trajectories.checks <> '[]' THEN 'passed'
    WHEN json_extract(trajectories.score, '$.source') = 'outcome' AND json_extract(trajectories.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END END
FROM trajectories, json_each(trajectories.skills)
WHERE purpose IN ('user', 'retry', 'proxy') AND name <> '' AND name NOT GLOB '*[^a-z0-9-]*' AND sha256 NOT GLOB '*[^a-zA-Z0-9]*';

INSERT INTO settlements (trajectory, decision, reason, heard, at)
SELECT trajectory, 'evolved', 'It evolved generation ' || generation || '.', 0, created_at
FROM generation_evidence JOIN generations ON generations.number = generation_evidence.generation;

UPDATE trajectories SET unsettled = 1
WHERE stop IS NOT NULL AND role <> 'support' AND purpose IN ('user', 'retry', 'proxy')
  AND CASE WHEN EXISTS (SELECT 1 FROM json_each(trajectories.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN trajectories.checks <> '[]' THEN 'passed'
    WHEN json_extract(trajectories.score, '$.source') = 'outcome' AND json_extract(trajectories.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END IN ('failed', 'raised');

DROP TRIGGER trajectories_keep_their_stamp;

DROP TRIGGER trajectories_are_forgotten_whole;

DROP TRIGGER steps_are_observed_once;

DROP TRIGGER generations_come_whole;

CREATE TRIGGER trajectories_keep_their_stamp BEFORE UPDATE OF number, id, notebook, cell_id, text_sha256, task, skill_generation, skills, model, adapter, seed, purpose, created_at, learn ON trajectories
BEGIN
  SELECT RAISE(ABORT, 'The task and the stamp of a trajectory never change.');
END;

CREATE TRIGGER trajectories_are_forgotten_whole AFTER DELETE ON trajectories
BEGIN
  DELETE FROM steps WHERE trajectory = OLD.id;
  DELETE FROM feedback WHERE trajectory = OLD.id;
  DELETE FROM settlements WHERE trajectory = OLD.id;
  DELETE FROM uses WHERE number = OLD.number;
  DELETE FROM index_texts WHERE trajectory = OLD.id;
  DELETE FROM undecided_wordings WHERE EXISTS (
    SELECT 1 FROM json_each(sources) WHERE json_extract(value, '$[0]') = OLD.id);
  INSERT INTO forgotten (id) VALUES (OLD.id);
END;

CREATE TRIGGER steps_are_observed_once BEFORE UPDATE OF observation, ran ON steps
WHEN OLD.observation IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'The observation of a step never changes.');
END;

CREATE TRIGGER generations_come_whole AFTER INSERT ON generations
BEGIN
  INSERT INTO generation_members (generation, name, sha256)
    SELECT NEW.number, key, value FROM json_each(NEW.members);
  INSERT INTO generation_evidence (trajectory, generation)
    SELECT value, NEW.number FROM json_each(NEW.evidence);
  UPDATE trajectories SET role = 'support' WHERE id IN (SELECT value FROM json_each(NEW.evidence));
  UPDATE settlements SET decision = 'evolved', reason = 'It evolved generation ' || NEW.number || '.', heard = (SELECT count(*) FROM feedback WHERE feedback.trajectory = settlements.trajectory), at = NEW.created_at
    WHERE trajectory IN (SELECT value FROM json_each(NEW.evidence));
  INSERT INTO settlements (trajectory, decision, reason, heard, at)
    SELECT id, 'evolved', 'It evolved generation ' || NEW.number || '.', (SELECT count(*) FROM feedback WHERE feedback.trajectory = trajectories.id), NEW.created_at FROM trajectories
    WHERE id IN (SELECT value FROM json_each(NEW.evidence))
      AND NOT EXISTS (SELECT 1 FROM settlements WHERE trajectory = trajectories.id);
END;

CREATE TRIGGER trajectories_begin_open BEFORE INSERT ON trajectories
WHEN NEW.stop IS NOT NULL OR NEW.unsettled <> 0
BEGIN
  SELECT RAISE(ABORT, 'A trajectory begins open.');
END;

CREATE TRIGGER what_may_not_teach_has_no_role BEFORE UPDATE OF role ON trajectories
WHEN NEW.role <> 'neither' AND OLD.learn = 0
BEGIN
  SELECT RAISE(ABORT, 'A trajectory of a notebook with learning off is neither support nor query, for ever.');
END;

CREATE TRIGGER support_has_ended BEFORE UPDATE OF role ON trajectories
WHEN NEW.role = 'support' AND OLD.stop IS NULL
BEGIN
  SELECT RAISE(ABORT, 'A trajectory becomes support only when it has ended.');
END;

CREATE TRIGGER feedback_is_on_a_trajectory BEFORE INSERT ON feedback
WHEN NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'Feedback is on a trajectory that is there.');
END;

CREATE TRIGGER feedback_comes_in_order BEFORE INSERT ON feedback
WHEN NEW.position IS NOT (SELECT coalesce(max(position) + 1, 0) FROM feedback WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'Feedback on a trajectory comes in order, without a gap.');
END;

CREATE TRIGGER feedback_does_not_change BEFORE UPDATE ON feedback
BEGIN
  SELECT RAISE(ABORT, 'Feedback never changes.');
END;

CREATE TRIGGER feedback_stay BEFORE DELETE ON feedback
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'Feedback goes only with its trajectory.');
END;

CREATE TRIGGER feedback_is_heard AFTER INSERT ON feedback
BEGIN
  UPDATE trajectories SET unsettled = (NEW.kind <> 'good')
    WHERE id = NEW.trajectory AND stop IS NOT NULL AND trajectories.learn = 1 AND trajectories.purpose IN ('user', 'retry', 'proxy') AND role <> 'support'
      AND unsettled <> (NEW.kind <> 'good');
END;

CREATE TRIGGER unsettled_are_failures_that_may_teach BEFORE UPDATE OF unsettled ON trajectories
WHEN NEW.unsettled = 1 AND (OLD.stop IS NULL OR OLD.role = 'support' OR NOT (OLD.learn = 1 AND OLD.purpose IN ('user', 'retry', 'proxy')))
BEGIN
  SELECT RAISE(ABORT, 'Only a trajectory that has ended and may teach waits for a decision.');
END;

CREATE TRIGGER no_failure_is_lost BEFORE UPDATE OF unsettled ON trajectories
WHEN NEW.unsettled = 0 AND OLD.unsettled = 1 AND NOT EXISTS (SELECT 1 FROM settlements WHERE trajectory = OLD.id
      AND heard = (SELECT count(*) FROM feedback WHERE trajectory = OLD.id)) AND coalesce((SELECT kind FROM feedback WHERE trajectory = OLD.id
      ORDER BY position DESC LIMIT 1), '') <> 'good'
BEGIN
  SELECT RAISE(ABORT, 'A failure waits until it is decided on, or called good.');
END;

CREATE TRIGGER failures_wait_for_a_decision AFTER UPDATE OF stop ON trajectories
WHEN OLD.stop IS NULL AND NEW.stop IS NOT NULL
BEGIN
  UPDATE uses SET outcome = CASE WHEN EXISTS (SELECT 1 FROM json_each(NEW.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN NEW.checks <> '[]' THEN 'passed'
    WHEN json_extract(NEW.score, '$.source') = 'outcome' AND json_extract(NEW.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END
    WHERE number = NEW.number;
  UPDATE trajectories SET unsettled = 1
    WHERE number = NEW.number AND trajectories.learn = 1 AND trajectories.purpose IN ('user', 'retry', 'proxy')
      AND CASE coalesce((SELECT kind FROM feedback WHERE trajectory = NEW.id
      ORDER BY position DESC LIMIT 1), '') WHEN 'good' THEN 0
        WHEN '' THEN CASE WHEN EXISTS (SELECT 1 FROM json_each(NEW.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN NEW.checks <> '[]' THEN 'passed'
    WHEN json_extract(NEW.score, '$.source') = 'outcome' AND json_extract(NEW.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END IN ('failed', 'raised') ELSE 1 END;
END;

CREATE TRIGGER settlements_are_one BEFORE INSERT ON settlements
WHEN EXISTS (SELECT 1 FROM settlements WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'A trajectory has one settlement.');
END;

CREATE TRIGGER settlements_are_of_the_ended BEFORE INSERT ON settlements
WHEN NOT EXISTS (SELECT 1 FROM trajectories
  WHERE id = NEW.trajectory AND stop IS NOT NULL AND trajectories.learn = 1 AND trajectories.purpose IN ('user', 'retry', 'proxy'))
BEGIN
  SELECT RAISE(ABORT, 'Only a trajectory that has ended and may teach is decided on.');
END;

CREATE TRIGGER inserted_settlements_heard_all BEFORE INSERT ON settlements
WHEN NEW.heard IS NOT (SELECT count(*) FROM feedback WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'A settlement knows all the feedback on its trajectory.');
END;

CREATE TRIGGER inserted_settlements_evolve_with_evidence BEFORE INSERT ON settlements
WHEN (NEW.decision = 'evolved') <> EXISTS (
  SELECT 1 FROM generation_evidence WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'The evidence of a generation is settled as evolved, and nothing else is.');
END;

CREATE TRIGGER updateed_settlements_heard_all BEFORE UPDATE ON settlements
WHEN NEW.heard IS NOT (SELECT count(*) FROM feedback WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'A settlement knows all the feedback on its trajectory.');
END;

CREATE TRIGGER updateed_settlements_evolve_with_evidence BEFORE UPDATE ON settlements
WHEN (NEW.decision = 'evolved') <> EXISTS (
  SELECT 1 FROM generation_evidence WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'The evidence of a generation is settled as evolved, and nothing else is.');
END;

CREATE TRIGGER evolved_is_for_ever BEFORE UPDATE ON settlements
WHEN OLD.decision = 'evolved' OR NEW.trajectory <> OLD.trajectory
BEGIN
  SELECT RAISE(ABORT, 'A failure that evolved the library stays settled so.');
END;

CREATE TRIGGER settlements_stay BEFORE DELETE ON settlements
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'A settlement goes only with its trajectory.');
END;

CREATE TRIGGER settled_is_not_unsettled AFTER INSERT ON settlements
BEGIN
  UPDATE trajectories SET unsettled = 0 WHERE id = NEW.trajectory AND unsettled = 1;
END;

CREATE TRIGGER settled_again_is_not_unsettled AFTER UPDATE ON settlements
BEGIN
  UPDATE trajectories SET unsettled = 0 WHERE id = NEW.trajectory AND unsettled = 1;
END;

CREATE TRIGGER uses_are_of_the_stamp BEFORE INSERT ON uses
WHEN NEW.outcome IS NOT NULL OR NEW.effect IS NOT NULL OR NOT EXISTS (SELECT 1 FROM trajectories, json_each(trajectories.skills) AS injected
  WHERE trajectories.number = NEW.number AND trajectories.learn = 1 AND trajectories.purpose IN ('user', 'retry', 'proxy')
    AND json_extract(injected.value, '$[0]') = NEW.name AND json_extract(injected.value, '$[1]') = NEW.sha256)
  OR EXISTS (SELECT 1 FROM uses WHERE name = NEW.name AND sha256 = NEW.sha256 AND number = NEW.number)
BEGIN
  SELECT RAISE(ABORT, 'The uses of a skill are those in the stamps of trajectories that may teach.');
END;

CREATE TRIGGER uses_do_not_change BEFORE UPDATE OF name, sha256, number ON uses
BEGIN
  SELECT RAISE(ABORT, 'The use of a skill never changes.');
END;

CREATE TRIGGER outcomes_come_with_the_end BEFORE UPDATE OF outcome ON uses
WHEN OLD.outcome IS NOT NULL OR NEW.outcome IS NOT (
  SELECT CASE WHEN EXISTS (SELECT 1 FROM json_each(trajectories.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN trajectories.checks <> '[]' THEN 'passed'
    WHEN json_extract(trajectories.score, '$.source') = 'outcome' AND json_extract(trajectories.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END FROM trajectories WHERE number = OLD.number AND stop IS NOT NULL)
BEGIN
  SELECT RAISE(ABORT, 'The outcome of a use is that of the end of its trajectory.');
END;

CREATE TRIGGER effects_are_told_once BEFORE UPDATE OF effect ON uses
WHEN OLD.effect IS NOT NULL OR OLD.outcome IS NULL OR OLD.outcome NOT IN ('passed', 'failed')
BEGIN
  SELECT RAISE(ABORT, 'The effect of a skill on a checked task is told once, and never changes.');
END;

CREATE TRIGGER uses_stay BEFORE DELETE ON uses
WHEN EXISTS (SELECT 1 FROM trajectories WHERE number = OLD.number)
BEGIN
  SELECT RAISE(ABORT, 'The use of a skill goes only with its trajectory.');
END;

CREATE TRIGGER trajectories_use_skills AFTER INSERT ON trajectories
WHEN NEW.learn = 1 AND NEW.purpose IN ('user', 'retry', 'proxy')
BEGIN
  INSERT INTO uses (name, sha256, number)
    SELECT DISTINCT json_extract(value, '$[0]') AS name, json_extract(value, '$[1]') AS sha256, NEW.number
    FROM json_each(NEW.skills) WHERE name <> '' AND name NOT GLOB '*[^a-z0-9-]*'
      AND sha256 NOT GLOB '*[^a-zA-Z0-9]*';
END;

CREATE TRIGGER lineage_comes_with_its_generation BEFORE INSERT ON lineage
WHEN NEW.generation IS NOT (SELECT max(number) FROM generations) OR NOT EXISTS (
  SELECT 1 FROM generation_members WHERE generation = NEW.generation AND name = NEW.name)
  OR NOT EXISTS (SELECT 1 FROM generation_evidence WHERE trajectory = NEW.trajectory)
  OR EXISTS (SELECT 1 FROM lineage WHERE generation = NEW.generation AND position = NEW.position)
BEGIN
  SELECT RAISE(ABORT, 'A skill comes from support, and says so with its generation.');
END;

CREATE TRIGGER lineage_stay BEFORE DELETE ON lineage
BEGIN
  SELECT RAISE(ABORT, 'Where a skill came from is never deleted.');
END;

CREATE TRIGGER lineage_do_not_change BEFORE UPDATE ON lineage
BEGIN
  SELECT RAISE(ABORT, 'Where a skill came from never changes.');
END;

CREATE TRIGGER index_texts_are_new BEFORE INSERT ON index_texts
WHEN EXISTS (SELECT 1 FROM index_texts WHERE name = NEW.name AND text = NEW.text)
BEGIN
  SELECT RAISE(ABORT, 'The index has this text already.');
END;

CREATE TRIGGER index_texts_may_teach BEFORE INSERT ON index_texts
WHEN NOT EXISTS (SELECT 1 FROM trajectories
  WHERE id = NEW.trajectory AND trajectories.learn = 1 AND trajectories.purpose IN ('user', 'retry', 'proxy'))
BEGIN
  SELECT RAISE(ABORT, 'The index takes up the texts of tasks that may teach.');
END;

CREATE TRIGGER index_texts_do_not_change BEFORE UPDATE OF name, text, trajectory, at ON index_texts
BEGIN
  SELECT RAISE(ABORT, 'A text of the index never changes: it is removed.');
END;

CREATE TRIGGER index_tallies_only_grow BEFORE UPDATE OF hits, misses ON index_texts
WHEN NEW.hits < OLD.hits OR NEW.misses < OLD.misses
BEGIN
  SELECT RAISE(ABORT, 'The tally of a text only grows.');
END;

CREATE TRIGGER index_texts_are_counted AFTER INSERT ON index_texts
BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'index_texts';
END;

CREATE TRIGGER removed_index_texts_are_counted AFTER DELETE ON index_texts
BEGIN
  UPDATE counters SET value = value + 1 WHERE name = 'index_texts';
END;
