-- The slow loop: what tasks started from, who is held out, training runs, gates, what serves, tests of judges.

ALTER TABLE trajectories ADD COLUMN held_out INTEGER CONSTRAINT held_out_is_a_switch CHECK (held_out IN (0, 1));

CREATE TABLE start_blobs (
  sha256 TEXT NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (sha256)
);

CREATE TABLE start_states (
  sha256 TEXT NOT NULL,
  practice TEXT,
  PRIMARY KEY (sha256)
);

CREATE TABLE start_parts (
  state TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  blob TEXT NOT NULL,
  PRIMARY KEY (state, kind, name),
  CONSTRAINT kind_is_known CHECK (kind IN ('file', 'object')),
  FOREIGN KEY(state) REFERENCES start_states (sha256),
  FOREIGN KEY(blob) REFERENCES start_blobs (sha256)
)
 WITHOUT ROWID;

CREATE INDEX start_parts_by_blob ON start_parts (blob);

CREATE TABLE starts (
  trajectory TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (trajectory),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id),
  FOREIGN KEY(sha256) REFERENCES start_states (sha256)
)
 WITHOUT ROWID;

CREATE INDEX starts_by_state ON starts (sha256);

CREATE TABLE task_shares (
  sha256 TEXT NOT NULL,
  held_out INTEGER NOT NULL,
  PRIMARY KEY (sha256),
  CONSTRAINT held_out_is_a_switch CHECK (held_out IN (0, 1))
)
 WITHOUT ROWID;

CREATE TABLE training_runs (
  number INTEGER NOT NULL,
  skill_generation INTEGER NOT NULL,
  base TEXT NOT NULL,
  base_sha256 TEXT NOT NULL,
  seed INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at FLOAT NOT NULL,
  changed_at FLOAT NOT NULL,
  steps_done INTEGER NOT NULL,
  prompts INTEGER NOT NULL,
  parent INTEGER,
  adapter INTEGER,
  PRIMARY KEY (number),
  CONSTRAINT number_is_positive CHECK (number > 0),
  CONSTRAINT steps_done_are_steps CHECK (steps_done BETWEEN 0 AND steps),
  CONSTRAINT prompts_are_counted CHECK (prompts >= 0),
  CONSTRAINT state_is_known CHECK (state IN ('collecting', 'training', 'paused', 'gating', 'done', 'abandoned', 'failed')),
  FOREIGN KEY(skill_generation) REFERENCES generations (number)
);

CREATE INDEX training_runs_by_state ON training_runs (state);

CREATE TABLE training_steps (
  run INTEGER NOT NULL,
  step INTEGER NOT NULL,
  report TEXT NOT NULL,
  PRIMARY KEY (run, step),
  CONSTRAINT step_is_natural CHECK (step >= 0),
  FOREIGN KEY(run) REFERENCES training_runs (number)
)
 WITHOUT ROWID;

CREATE TABLE drained (
  run INTEGER NOT NULL,
  trajectory TEXT NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (run, trajectory),
  FOREIGN KEY(run) REFERENCES training_runs (number),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id)
)
 WITHOUT ROWID;

CREATE INDEX drained_by_trajectory ON drained (trajectory);

CREATE TABLE gates (
  number INTEGER NOT NULL,
  adapter INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  reason TEXT NOT NULL,
  comparisons TEXT NOT NULL,
  look INTEGER NOT NULL,
  missing INTEGER NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (number),
  CONSTRAINT number_is_positive CHECK (number > 0),
  CONSTRAINT verdict_is_known CHECK (verdict IN ('promote', 'reject', 'insufficient'))
);

CREATE INDEX gates_by_adapter ON gates (adapter);

CREATE TABLE serving (
  number INTEGER NOT NULL,
  version INTEGER,
  cause TEXT NOT NULL,
  reason TEXT NOT NULL,
  "after" INTEGER NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (number),
  CONSTRAINT number_is_positive CHECK (number > 0),
  CONSTRAINT cause_is_known CHECK (cause IN ('promote', 'force', 'rollback', 'watch')),
  FOREIGN KEY(version) REFERENCES adapters (version)
);

CREATE TABLE judge_tests (
  number INTEGER NOT NULL,
  model TEXT NOT NULL,
  usable INTEGER NOT NULL,
  auc FLOAT,
  canaries_failed TEXT NOT NULL,
  reason TEXT NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (number),
  CONSTRAINT number_is_positive CHECK (number > 0),
  CONSTRAINT usable_is_a_switch CHECK (usable IN (0, 1))
);

CREATE INDEX judge_tests_by_model ON judge_tests (model, number);

DROP TRIGGER trajectories_begin_without_role;

DROP TRIGGER only_current_query_is_drained;

DROP TRIGGER trajectories_are_forgotten_whole;

CREATE TRIGGER trajectories_begin_without_role BEFORE INSERT ON trajectories
WHEN NEW.role <> 'neither' OR NEW.drained_at IS NOT NULL OR NEW.held_out IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'A trajectory begins as neither support nor query.');
END;

CREATE TRIGGER only_current_query_is_drained BEFORE UPDATE OF drained_at ON trajectories
WHEN OLD.role <> 'query' OR OLD.skill_generation IS NOT (SELECT max(number) FROM generations)
  OR NOT EXISTS (SELECT 1 FROM drained WHERE trajectory = OLD.id AND at IS NEW.drained_at)
BEGIN
  SELECT RAISE(ABORT, 'Only a query trajectory of the current skill generation is drained, by a training run.');
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
  DELETE FROM starts WHERE trajectory = OLD.id;
  DELETE FROM drained WHERE trajectory = OLD.id;
  INSERT INTO forgotten (id) VALUES (OLD.id);
END;

CREATE TRIGGER start_blobs_are_new BEFORE INSERT ON start_blobs
WHEN EXISTS (SELECT 1 FROM start_blobs WHERE sha256 = NEW.sha256)
BEGIN
  SELECT RAISE(ABORT, 'The store has this content already.');
END;

CREATE TRIGGER start_blobs_do_not_change BEFORE UPDATE ON start_blobs
BEGIN
  SELECT RAISE(ABORT, 'What a task started from never changes.');
END;

CREATE TRIGGER start_blobs_are_needed BEFORE DELETE ON start_blobs
WHEN EXISTS (SELECT 1 FROM start_parts WHERE blob = OLD.sha256)
BEGIN
  SELECT RAISE(ABORT, 'The content of a start state goes with the last one that needs it.');
END;

CREATE TRIGGER start_states_are_new BEFORE INSERT ON start_states
WHEN EXISTS (SELECT 1 FROM start_states WHERE sha256 = NEW.sha256)
BEGIN
  SELECT RAISE(ABORT, 'The store has this start state already.');
END;

CREATE TRIGGER start_states_do_not_change BEFORE UPDATE ON start_states
BEGIN
  SELECT RAISE(ABORT, 'A start state never changes.');
END;

CREATE TRIGGER start_states_are_needed BEFORE DELETE ON start_states
WHEN EXISTS (SELECT 1 FROM starts WHERE sha256 = OLD.sha256)
BEGIN
  SELECT RAISE(ABORT, 'A start state goes with the last trajectory that needs it.');
END;

CREATE TRIGGER start_parts_come_with_their_state BEFORE INSERT ON start_parts
WHEN NOT EXISTS (SELECT 1 FROM start_states WHERE sha256 = NEW.state)
  OR NOT EXISTS (SELECT 1 FROM start_blobs WHERE sha256 = NEW.blob)
  OR EXISTS (SELECT 1 FROM starts WHERE sha256 = NEW.state)
  OR EXISTS (SELECT 1 FROM start_parts
    WHERE state = NEW.state AND kind = NEW.kind AND name = NEW.name)
BEGIN
  SELECT RAISE(ABORT, 'The parts of a start state come with it.');
END;

CREATE TRIGGER start_parts_do_not_change BEFORE UPDATE ON start_parts
BEGIN
  SELECT RAISE(ABORT, 'The parts of a start state never change.');
END;

CREATE TRIGGER start_parts_stay BEFORE DELETE ON start_parts
WHEN EXISTS (SELECT 1 FROM start_states WHERE sha256 = OLD.state)
BEGIN
  SELECT RAISE(ABORT, 'The parts of a start state go with it.');
END;

CREATE TRIGGER starts_are_one BEFORE INSERT ON starts
WHEN EXISTS (SELECT 1 FROM starts WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'A trajectory has one start state.');
END;

CREATE TRIGGER starts_are_of_what_may_teach BEFORE INSERT ON starts
WHEN NOT EXISTS (SELECT 1 FROM trajectories
  WHERE id = NEW.trajectory AND trajectories.learn = 1 AND trajectories.purpose IN ('user', 'retry', 'proxy'))
  OR NOT EXISTS (SELECT 1 FROM start_states WHERE sha256 = NEW.sha256)
BEGIN
  SELECT RAISE(ABORT, 'Only a trajectory that may teach keeps what it started from.');
END;

CREATE TRIGGER starts_do_not_change BEFORE UPDATE ON starts
BEGIN
  SELECT RAISE(ABORT, 'What a trajectory started from never changes.');
END;

CREATE TRIGGER starts_stay BEFORE DELETE ON starts
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'What a trajectory started from goes only with it.');
END;

CREATE TRIGGER start_states_go_with_the_last AFTER DELETE ON starts
BEGIN
  DELETE FROM start_states WHERE sha256 = OLD.sha256
    AND NOT EXISTS (SELECT 1 FROM starts WHERE sha256 = OLD.sha256);
END;

CREATE TRIGGER start_parts_go_with_their_state AFTER DELETE ON start_states
BEGIN
  DELETE FROM start_parts WHERE state = OLD.sha256;
END;

CREATE TRIGGER start_blobs_go_with_the_last AFTER DELETE ON start_parts
BEGIN
  DELETE FROM start_blobs WHERE sha256 = OLD.blob
    AND NOT EXISTS (SELECT 1 FROM start_parts WHERE blob = OLD.blob);
END;

CREATE TRIGGER query_has_a_start BEFORE UPDATE OF role ON trajectories
WHEN NEW.role = 'query' AND OLD.role <> 'query'
  AND NOT EXISTS (SELECT 1 FROM starts WHERE trajectory = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'A trajectory becomes query only where what it started from was kept.');
END;

CREATE TRIGGER query_has_a_share BEFORE UPDATE OF role ON trajectories
WHEN NEW.role = 'query' AND OLD.role <> 'query' AND NEW.held_out IS NULL
BEGIN
  SELECT RAISE(ABORT, 'A trajectory becomes query only as held out or not.');
END;

CREATE TRIGGER shares_are_for_ever BEFORE UPDATE OF held_out ON trajectories
WHEN OLD.held_out IS NOT NULL OR NEW.role <> 'query'
BEGIN
  SELECT RAISE(ABORT, 'Whether a trajectory is held out is decided once, when it becomes query.');
END;

CREATE TRIGGER shares_keep_a_text_together BEFORE UPDATE OF held_out ON trajectories
WHEN EXISTS (SELECT 1 FROM trajectories other
  WHERE other.text_sha256 = OLD.text_sha256 AND other.held_out <> NEW.held_out)
BEGIN
  SELECT RAISE(ABORT, 'Tasks of the same text are all held out, or none of them.');
END;

CREATE TRIGGER task_shares_are_new BEFORE INSERT ON task_shares
WHEN EXISTS (SELECT 1 FROM task_shares WHERE sha256 = NEW.sha256)
BEGIN
  SELECT RAISE(ABORT, 'Where tasks like this one go is decided already.');
END;

CREATE TRIGGER task_shares_stay BEFORE DELETE ON task_shares
BEGIN
  SELECT RAISE(ABORT, 'Where tasks go is never deleted.');
END;

CREATE TRIGGER task_shares_do_not_change BEFORE UPDATE ON task_shares
BEGIN
  SELECT RAISE(ABORT, 'Where tasks go never changes.');
END;

CREATE TRIGGER drained_are_new BEFORE INSERT ON drained
WHEN EXISTS (SELECT 1 FROM drained JOIN training_runs ON training_runs.number = drained.run
  WHERE drained.trajectory = NEW.trajectory
    AND (training_runs.state <> 'failed' OR drained.run = NEW.run))
BEGIN
  SELECT RAISE(ABORT, 'A trajectory is drained again only where the run that had it failed.');
END;

CREATE TRIGGER drained_are_trainable BEFORE INSERT ON drained
WHEN NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory AND trajectories.role = 'query' AND trajectories.skill_generation = (SELECT max(number) FROM generations) AND trajectories.held_out = 0
    AND trajectories.stop IS NOT NULL AND trajectories.learn = 1 AND trajectories.purpose IN ('user', 'retry', 'proxy')
    AND EXISTS (SELECT 1 FROM starts WHERE starts.trajectory = trajectories.id))
BEGIN
  SELECT RAISE(ABORT, 'Only a query trajectory of the current skill generation that is not held out and has its start is drained.');
END;

CREATE TRIGGER drained_by_a_current_run BEFORE INSERT ON drained
WHEN NOT EXISTS (SELECT 1 FROM training_runs WHERE number = NEW.run AND state NOT IN ('done', 'abandoned', 'failed') AND skill_generation = (SELECT max(number) FROM generations))
BEGIN
  SELECT RAISE(ABORT, 'Only a run of the current skill generation that is not over drains.');
END;

CREATE TRIGGER drained_do_not_change BEFORE UPDATE ON drained
BEGIN
  SELECT RAISE(ABORT, 'What a run has drained never changes.');
END;

CREATE TRIGGER drained_stay BEFORE DELETE ON drained
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'What a run has drained goes only with the trajectory.');
END;

CREATE TRIGGER drained_are_marked AFTER INSERT ON drained
BEGIN
  UPDATE trajectories SET drained_at = NEW.at WHERE id = NEW.trajectory AND drained_at IS NULL;
END;

CREATE TRIGGER training_runs_follow_each_other BEFORE INSERT ON training_runs
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM training_runs)
BEGIN
  SELECT RAISE(ABORT, 'Training runs follow each other without a gap, and no number comes twice.');
END;

CREATE TRIGGER training_runs_begin BEFORE INSERT ON training_runs
WHEN NEW.state <> 'collecting' OR NEW.steps_done <> 0 OR NEW.prompts <> 0 OR NEW.adapter IS NOT NULL
  OR NEW.skill_generation IS NOT (SELECT max(number) FROM generations)
  OR (NEW.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM adapters WHERE version = NEW.parent))
BEGIN
  SELECT RAISE(ABORT, 'A training run begins by collecting, in the current skill generation, from an adapter that is there or none.');
END;

CREATE TRIGGER training_runs_come_one_at_a_time BEFORE INSERT ON training_runs
WHEN EXISTS (SELECT 1 FROM training_runs WHERE state NOT IN ('done', 'abandoned', 'failed'))
BEGIN
  SELECT RAISE(ABORT, 'A training run begins when the one before it is over.');
END;

CREATE TRIGGER training_runs_are_over_for_ever BEFORE UPDATE ON training_runs
WHEN OLD.state IN ('done', 'abandoned', 'failed')
BEGIN
  SELECT RAISE(ABORT, 'A training run that is over never changes.');
END;

CREATE TRIGGER training_runs_keep_what_they_are BEFORE UPDATE OF number, skill_generation, base, base_sha256, seed, steps, created_at, parent ON training_runs
BEGIN
  SELECT RAISE(ABORT, 'What a training run is never changes, only where it stands.');
END;

CREATE TRIGGER training_runs_go_forward BEFORE UPDATE OF state ON training_runs
WHEN OLD.state NOT IN ('done', 'abandoned', 'failed') AND NEW.state <> OLD.state AND CASE NEW.state
  WHEN 'collecting' THEN OLD.state <> 'paused' OR OLD.steps_done > 0 OR OLD.adapter IS NOT NULL
  WHEN 'training' THEN OLD.state NOT IN ('collecting', 'paused') OR OLD.adapter IS NOT NULL
  WHEN 'gating' THEN OLD.state NOT IN ('training', 'paused')
  WHEN 'done' THEN OLD.state <> 'gating' OR NEW.adapter IS NULL ELSE 0 END
BEGIN
  SELECT RAISE(ABORT, 'A training run collects, trains, gates and is done; it may pause, be abandoned or fail at any time.');
END;

CREATE TRIGGER training_runs_make_one_adapter BEFORE UPDATE OF adapter ON training_runs
WHEN NEW.adapter IS NOT OLD.adapter AND (OLD.adapter IS NOT NULL
  OR NOT EXISTS (SELECT 1 FROM adapters WHERE version = NEW.adapter))
BEGIN
  SELECT RAISE(ABORT, 'A training run makes one adapter, which is recorded first.');
END;

CREATE TRIGGER training_runs_stay BEFORE DELETE ON training_runs
BEGIN
  SELECT RAISE(ABORT, 'A training run is never deleted.');
END;

CREATE TRIGGER inserted_training_steps_are_of_a_run BEFORE INSERT ON training_steps
WHEN NOT EXISTS (SELECT 1 FROM training_runs WHERE number = NEW.run AND state NOT IN ('done', 'abandoned', 'failed'))
BEGIN
  SELECT RAISE(ABORT, 'Steps are reported of a training run that is not over.');
END;

CREATE TRIGGER updateed_training_steps_are_of_a_run BEFORE UPDATE ON training_steps
WHEN NOT EXISTS (SELECT 1 FROM training_runs WHERE number = NEW.run AND state NOT IN ('done', 'abandoned', 'failed'))
BEGIN
  SELECT RAISE(ABORT, 'Steps are reported of a training run that is not over.');
END;

CREATE TRIGGER training_steps_keep_their_place BEFORE UPDATE OF run, step ON training_steps
BEGIN
  SELECT RAISE(ABORT, 'A step that was done again replaces its report, nothing else.');
END;

CREATE TRIGGER training_steps_stay BEFORE DELETE ON training_steps
BEGIN
  SELECT RAISE(ABORT, 'The report of a step is never deleted.');
END;

CREATE TRIGGER promoted_adapters_passed_their_gate BEFORE UPDATE OF status ON adapters
WHEN NEW.status = 'promoted' AND OLD.status <> 'promoted' AND 'promote' IS NOT (
  SELECT verdict FROM gates WHERE adapter = OLD.version ORDER BY number DESC LIMIT 1)
BEGIN
  SELECT RAISE(ABORT, 'An adapter is promoted only where its last gate says so.');
END;

CREATE TRIGGER adapters_keep_their_reasons BEFORE UPDATE OF reason ON adapters
WHEN OLD.status <> 'candidate' AND NEW.status = OLD.status
BEGIN
  SELECT RAISE(ABORT, 'The reason of a decision stays as it is.');
END;

CREATE TRIGGER adapters_in_training_stay BEFORE DELETE ON adapters
WHEN EXISTS (SELECT 1 FROM training_runs
  WHERE state NOT IN ('done', 'abandoned', 'failed') AND OLD.version IN (adapter, parent))
BEGIN
  SELECT RAISE(ABORT, 'An adapter that a training run works on is not deleted.');
END;

CREATE TRIGGER gates_follow_each_other BEFORE INSERT ON gates
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM gates)
BEGIN
  SELECT RAISE(ABORT, 'Gates follow each other without a gap, and no number comes twice.');
END;

CREATE TRIGGER gates_are_of_candidates BEFORE INSERT ON gates
WHEN NOT EXISTS (SELECT 1 FROM adapters WHERE version = NEW.adapter AND status = 'candidate')
BEGIN
  SELECT RAISE(ABORT, 'A gate is of a candidate that is there.');
END;

CREATE TRIGGER gates_stay BEFORE DELETE ON gates
BEGIN
  SELECT RAISE(ABORT, 'The report of a gate is never deleted.');
END;

CREATE TRIGGER gates_do_not_change BEFORE UPDATE ON gates
BEGIN
  SELECT RAISE(ABORT, 'The report of a gate never changes.');
END;

CREATE TRIGGER serving_follow_each_other BEFORE INSERT ON serving
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM serving)
BEGIN
  SELECT RAISE(ABORT, 'Changes of what serves follow each other without a gap, and no number comes twice.');
END;

CREATE TRIGGER serving_is_promoted_or_forced BEFORE INSERT ON serving
WHEN CASE WHEN NEW.version IS NULL THEN NEW.cause IN ('promote', 'force') ELSE NOT EXISTS (
  SELECT 1 FROM adapters WHERE version = NEW.version AND status IN ('promoted', 'forced')
    AND (status = 'promoted' OR NEW.cause <> 'promote')) END
BEGIN
  SELECT RAISE(ABORT, 'Only an adapter that was promoted or forced serves, or the base.');
END;

CREATE TRIGGER serving_stay BEFORE DELETE ON serving
BEGIN
  SELECT RAISE(ABORT, 'What served is never deleted.');
END;

CREATE TRIGGER serving_do_not_change BEFORE UPDATE ON serving
BEGIN
  SELECT RAISE(ABORT, 'What served never changes.');
END;

CREATE TRIGGER judge_tests_follow_each_other BEFORE INSERT ON judge_tests
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM judge_tests)
BEGIN
  SELECT RAISE(ABORT, 'Tests of judges follow each other without a gap, and no number comes twice.');
END;

CREATE TRIGGER judge_tests_stay BEFORE DELETE ON judge_tests
BEGIN
  SELECT RAISE(ABORT, 'The test of a judge is never deleted.');
END;

CREATE TRIGGER judge_tests_do_not_change BEFORE UPDATE ON judge_tests
BEGIN
  SELECT RAISE(ABORT, 'The test of a judge never changes.');
END;
