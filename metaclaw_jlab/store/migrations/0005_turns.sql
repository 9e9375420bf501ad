-- Words that are taken back, and what the turns of other agents may teach.

ALTER TABLE trajectories ADD COLUMN own_score TEXT;

CREATE TABLE withdrawals (
  trajectory TEXT NOT NULL,
  position INTEGER NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (trajectory, position),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id)
)
 WITHOUT ROWID;

DROP TRIGGER generations_come_whole;

DROP TRIGGER no_failure_is_lost;

DROP TRIGGER failures_wait_for_a_decision;

DROP TRIGGER inserted_settlements_heard_all;

DROP TRIGGER updateed_settlements_heard_all;

CREATE TRIGGER generations_come_whole AFTER INSERT ON generations
BEGIN
  INSERT INTO generation_members (generation, name, sha256)
    SELECT NEW.number, key, value FROM json_each(NEW.members);
  INSERT INTO generation_evidence (trajectory, generation)
    SELECT value, NEW.number FROM json_each(NEW.evidence);
  UPDATE trajectories SET role = 'support' WHERE id IN (SELECT value FROM json_each(NEW.evidence));
  UPDATE settlements SET decision = 'evolved', reason = 'It evolved generation ' || NEW.number || '.', heard = ((SELECT count(*) FROM feedback WHERE feedback.trajectory = settlements.trajectory)
      + (SELECT count(*) FROM withdrawals WHERE withdrawals.trajectory = settlements.trajectory)), at = NEW.created_at
    WHERE trajectory IN (SELECT value FROM json_each(NEW.evidence));
  INSERT INTO settlements (trajectory, decision, reason, heard, at)
    SELECT id, 'evolved', 'It evolved generation ' || NEW.number || '.', ((SELECT count(*) FROM feedback WHERE feedback.trajectory = trajectories.id)
      + (SELECT count(*) FROM withdrawals WHERE withdrawals.trajectory = trajectories.id)), NEW.created_at FROM trajectories
    WHERE id IN (SELECT value FROM json_each(NEW.evidence))
      AND NOT EXISTS (SELECT 1 FROM settlements WHERE trajectory = trajectories.id);
END;

CREATE TRIGGER no_failure_is_lost BEFORE UPDATE OF unsettled ON trajectories
WHEN NEW.unsettled = 0 AND OLD.unsettled = 1 AND NOT EXISTS (SELECT 1 FROM settlements WHERE trajectory = OLD.id
      AND heard = ((SELECT count(*) FROM feedback WHERE feedback.trajectory = OLD.id)
      + (SELECT count(*) FROM withdrawals WHERE withdrawals.trajectory = OLD.id))) AND NOT CASE coalesce((SELECT kind FROM feedback WHERE trajectory = OLD.id AND NOT EXISTS (
        SELECT 1 FROM withdrawals WHERE withdrawals.trajectory = feedback.trajectory
          AND withdrawals.position = feedback.position)
      ORDER BY position DESC LIMIT 1), '') WHEN 'good' THEN 1 WHEN '' THEN NOT (CASE WHEN EXISTS (SELECT 1 FROM json_each(OLD.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN OLD.checks <> '[]' THEN 'passed'
    WHEN json_extract(OLD.score, '$.source') = 'outcome' AND json_extract(OLD.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END IN ('failed', 'raised') OR (OLD.purpose = 'proxy' AND json_extract(OLD.score, '$.source') IS 'judge'
      AND json_extract(OLD.score, '$.value') < 0)) ELSE 0 END
BEGIN
  SELECT RAISE(ABORT, 'A failure waits until it is decided on, called good, or no failure without a word taken back.');
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
      AND CASE coalesce((SELECT kind FROM feedback WHERE trajectory = NEW.id AND NOT EXISTS (
        SELECT 1 FROM withdrawals WHERE withdrawals.trajectory = feedback.trajectory
          AND withdrawals.position = feedback.position)
      ORDER BY position DESC LIMIT 1), '') WHEN 'good' THEN 0
        WHEN '' THEN CASE WHEN EXISTS (SELECT 1 FROM json_each(NEW.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN NEW.checks <> '[]' THEN 'passed'
    WHEN json_extract(NEW.score, '$.source') = 'outcome' AND json_extract(NEW.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END IN ('failed', 'raised') ELSE 1 END;
END;

CREATE TRIGGER inserted_settlements_heard_all BEFORE INSERT ON settlements
WHEN NEW.heard IS NOT ((SELECT count(*) FROM feedback WHERE feedback.trajectory = NEW.trajectory)
      + (SELECT count(*) FROM withdrawals WHERE withdrawals.trajectory = NEW.trajectory))
BEGIN
  SELECT RAISE(ABORT, 'A settlement knows all the feedback on its trajectory.');
END;

CREATE TRIGGER updateed_settlements_heard_all BEFORE UPDATE ON settlements
WHEN NEW.heard IS NOT ((SELECT count(*) FROM feedback WHERE feedback.trajectory = NEW.trajectory)
      + (SELECT count(*) FROM withdrawals WHERE withdrawals.trajectory = NEW.trajectory))
BEGIN
  SELECT RAISE(ABORT, 'A settlement knows all the feedback on its trajectory.');
END;

CREATE TRIGGER withdrawals_are_of_words BEFORE INSERT ON withdrawals
WHEN NOT EXISTS (SELECT 1 FROM feedback WHERE trajectory = NEW.trajectory AND position = NEW.position
    AND kind IN ('good', 'bad', 'rejected'))
  OR EXISTS (SELECT 1 FROM withdrawals WHERE trajectory = NEW.trajectory AND position = NEW.position)
BEGIN
  SELECT RAISE(ABORT, 'Only a word that the user said is taken back, once.');
END;

CREATE TRIGGER withdrawals_do_not_change BEFORE UPDATE ON withdrawals
BEGIN
  SELECT RAISE(ABORT, 'What was taken back stays so.');
END;

CREATE TRIGGER withdrawals_stay BEFORE DELETE ON withdrawals
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'What was taken back goes only with its trajectory.');
END;

CREATE TRIGGER withdrawals_are_forgotten AFTER DELETE ON trajectories
BEGIN
  DELETE FROM withdrawals WHERE trajectory = OLD.id;
END;

CREATE TRIGGER withdrawals_are_heard AFTER INSERT ON withdrawals
BEGIN
  UPDATE trajectories SET unsettled = (CASE coalesce((SELECT kind FROM feedback WHERE trajectory = trajectories.id AND NOT EXISTS (
        SELECT 1 FROM withdrawals WHERE withdrawals.trajectory = feedback.trajectory
          AND withdrawals.position = feedback.position)
      ORDER BY position DESC LIMIT 1), '') WHEN 'good' THEN 0
      WHEN '' THEN (CASE WHEN EXISTS (SELECT 1 FROM json_each(trajectories.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN trajectories.checks <> '[]' THEN 'passed'
    WHEN json_extract(trajectories.score, '$.source') = 'outcome' AND json_extract(trajectories.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END IN ('failed', 'raised') OR (trajectories.purpose = 'proxy' AND json_extract(trajectories.score, '$.source') IS 'judge'
      AND json_extract(trajectories.score, '$.value') < 0)) ELSE 1 END)
    WHERE id = NEW.trajectory AND stop IS NOT NULL AND trajectories.learn = 1 AND trajectories.purpose IN ('user', 'retry', 'proxy') AND role <> 'support'
      AND unsettled <> (CASE coalesce((SELECT kind FROM feedback WHERE trajectory = trajectories.id AND NOT EXISTS (
        SELECT 1 FROM withdrawals WHERE withdrawals.trajectory = feedback.trajectory
          AND withdrawals.position = feedback.position)
      ORDER BY position DESC LIMIT 1), '') WHEN 'good' THEN 0
      WHEN '' THEN (CASE WHEN EXISTS (SELECT 1 FROM json_each(trajectories.checks) WHERE json_extract(value, '$[3]') = 0)
      THEN 'failed'
    WHEN trajectories.checks <> '[]' THEN 'passed'
    WHEN json_extract(trajectories.score, '$.source') = 'outcome' AND json_extract(trajectories.score, '$.value') < 0
      THEN 'raised' ELSE 'unchecked' END IN ('failed', 'raised') OR (trajectories.purpose = 'proxy' AND json_extract(trajectories.score, '$.source') IS 'judge'
      AND json_extract(trajectories.score, '$.value') < 0)) ELSE 1 END);
END;

CREATE TRIGGER own_scores_are_kept AFTER UPDATE OF score ON trajectories
WHEN json_extract(NEW.score, '$.source') IS 'user' AND json_extract(OLD.score, '$.source') IS NOT 'user'
BEGIN
  UPDATE trajectories SET own_score = OLD.score WHERE number = NEW.number;
END;

CREATE TRIGGER judged_failures_wait AFTER UPDATE OF score ON trajectories
WHEN NEW.stop IS NOT NULL AND NEW.unsettled = 0 AND NEW.role <> 'support' AND NEW.learn = 1 AND NEW.purpose IN ('user', 'retry', 'proxy')
  AND NEW.purpose = 'proxy' AND json_extract(NEW.score, '$.source') IS 'judge'
      AND json_extract(NEW.score, '$.value') < 0 AND coalesce((SELECT kind FROM feedback WHERE trajectory = NEW.id AND NOT EXISTS (
        SELECT 1 FROM withdrawals WHERE withdrawals.trajectory = feedback.trajectory
          AND withdrawals.position = feedback.position)
      ORDER BY position DESC LIMIT 1), '') = ''
BEGIN
  UPDATE trajectories SET unsettled = 1 WHERE number = NEW.number;
END;
