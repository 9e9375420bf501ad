-- The members of a generation come whole with it: a counter says how far that is so. Each was looked up in its
-- generation before, which took seconds for thousands of skills.

INSERT INTO counters (name, value) SELECT 'generation', max(number) FROM generations;

DROP TRIGGER counters_only_grow;

DROP TRIGGER generations_come_whole;

DROP TRIGGER members_are_of_their_generation;

CREATE TRIGGER counters_only_grow BEFORE UPDATE ON counters
WHEN NEW.name <> OLD.name OR NEW.value <= OLD.value
  OR (NEW.name = 'generation' AND NEW.value <> (SELECT max(number) FROM generations))
BEGIN
  SELECT RAISE(ABORT, 'A counter only grows.');
END;

CREATE TRIGGER generations_come_whole AFTER INSERT ON generations
BEGIN
  INSERT INTO generation_members (generation, name, sha256)
    SELECT NEW.number, key, value FROM json_each(NEW.members);
  UPDATE counters SET value = NEW.number WHERE name = 'generation';
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

CREATE TRIGGER members_are_of_their_generation BEFORE INSERT ON generation_members
WHEN EXISTS (SELECT 1 FROM generation_members WHERE generation = NEW.generation AND name = NEW.name)
  OR NEW.generation <= (SELECT value FROM counters WHERE name = 'generation')
  OR NOT EXISTS (SELECT 1 FROM generations WHERE number = NEW.generation)
BEGIN
  SELECT RAISE(ABORT, 'The members of a generation come with it.');
END;
