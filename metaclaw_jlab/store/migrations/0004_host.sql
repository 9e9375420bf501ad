-- The host: windows of training, pauses, clients of the proxy and their turns.

CREATE TABLE windows (
  number INTEGER NOT NULL,
  opened_at FLOAT NOT NULL,
  opened_by TEXT NOT NULL,
  closed_at FLOAT,
  closed_by TEXT NOT NULL,
  run INTEGER,
  used_seconds FLOAT NOT NULL,
  yield_seconds FLOAT,
  PRIMARY KEY (number),
  CONSTRAINT number_is_positive CHECK (number > 0),
  CONSTRAINT use_is_positive CHECK (used_seconds >= 0),
  FOREIGN KEY(run) REFERENCES training_runs (number)
);

CREATE INDEX windows_by_time ON windows (opened_at);

CREATE TABLE pauses (
  number INTEGER NOT NULL,
  at FLOAT NOT NULL,
  until FLOAT,
  ended_at FLOAT,
  PRIMARY KEY (number),
  CONSTRAINT number_is_positive CHECK (number > 0)
);

CREATE TABLE client_keys (
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  namespace TEXT NOT NULL,
  settings TEXT NOT NULL,
  created_at FLOAT NOT NULL,
  used_at FLOAT,
  revoked_at FLOAT,
  PRIMARY KEY (id),
  UNIQUE (sha256)
)
 WITHOUT ROWID;

CREATE TABLE turns (
  trajectory TEXT NOT NULL,
  session TEXT NOT NULL,
  kind TEXT NOT NULL,
  client TEXT NOT NULL,
  conversation TEXT NOT NULL,
  at FLOAT NOT NULL,
  PRIMARY KEY (trajectory),
  CONSTRAINT kind_is_known CHECK (kind IN ('main', 'side')),
  FOREIGN KEY(trajectory) REFERENCES trajectories (id)
)
 WITHOUT ROWID;

CREATE INDEX turns_by_conversation ON turns (conversation);

CREATE INDEX turns_by_session ON turns (session);

CREATE TRIGGER windows_follow_each_other BEFORE INSERT ON windows
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM windows)
BEGIN
  SELECT RAISE(ABORT, 'Windows follow each other without a gap, and no number comes twice.');
END;

CREATE TRIGGER windows_begin_open BEFORE INSERT ON windows
WHEN NEW.closed_at IS NOT NULL OR EXISTS (SELECT 1 FROM windows WHERE closed_at IS NULL)
BEGIN
  SELECT RAISE(ABORT, 'A window begins open, when the one before is closed.');
END;

CREATE TRIGGER windows_close_once BEFORE UPDATE ON windows
WHEN OLD.closed_at IS NOT NULL OR NEW.number <> OLD.number OR NEW.opened_at <> OLD.opened_at
  OR NEW.opened_by <> OLD.opened_by OR NEW.used_seconds < OLD.used_seconds
BEGIN
  SELECT RAISE(ABORT, 'A window that is closed does not change.');
END;

CREATE TRIGGER windows_stay BEFORE DELETE ON windows
BEGIN
  SELECT RAISE(ABORT, 'A window is never deleted.');
END;

CREATE TRIGGER pauses_follow_each_other BEFORE INSERT ON pauses
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM pauses)
BEGIN
  SELECT RAISE(ABORT, 'Pauses follow each other without a gap, and no number comes twice.');
END;

CREATE TRIGGER pauses_end_once BEFORE UPDATE ON pauses
WHEN OLD.ended_at IS NOT NULL OR NEW.number <> OLD.number OR NEW.at <> OLD.at OR NEW.until IS NOT OLD.until
BEGIN
  SELECT RAISE(ABORT, 'A pause only ends, once.');
END;

CREATE TRIGGER pauses_stay BEFORE DELETE ON pauses
BEGIN
  SELECT RAISE(ABORT, 'A pause is never deleted.');
END;

CREATE TRIGGER client_keys_are_new BEFORE INSERT ON client_keys
WHEN EXISTS (SELECT 1 FROM client_keys WHERE id = NEW.id OR sha256 = NEW.sha256
  OR (name = NEW.name AND revoked_at IS NULL))
BEGIN
  SELECT RAISE(ABORT, 'A client key of this name is there already.');
END;

CREATE TRIGGER client_keys_keep_their_namespace BEFORE UPDATE OF id, name, sha256, namespace, created_at ON client_keys
BEGIN
  SELECT RAISE(ABORT, 'What a client key is for never changes.');
END;

CREATE TRIGGER revoked_client_keys_stay_revoked BEFORE UPDATE OF revoked_at ON client_keys
WHEN OLD.revoked_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'A revoked client key stays revoked.');
END;

CREATE TRIGGER client_keys_stay BEFORE DELETE ON client_keys
BEGIN
  SELECT RAISE(ABORT, 'A client key is revoked, never deleted.');
END;

CREATE TRIGGER turns_are_of_the_proxy BEFORE INSERT ON turns
WHEN NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory AND purpose = 'proxy')
  OR EXISTS (SELECT 1 FROM turns WHERE trajectory = NEW.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'A turn is a trajectory of the proxy.');
END;

CREATE TRIGGER turns_keep_their_kind BEFORE UPDATE OF trajectory, session, kind, client ON turns
BEGIN
  SELECT RAISE(ABORT, 'Whose turn it was never changes.');
END;

CREATE TRIGGER turns_go_with_their_trajectory BEFORE DELETE ON turns
WHEN EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)
BEGIN
  SELECT RAISE(ABORT, 'A turn goes only with its trajectory.');
END;

CREATE TRIGGER turns_are_forgotten AFTER DELETE ON trajectories
BEGIN
  DELETE FROM turns WHERE trajectory = OLD.id;
END;

CREATE TRIGGER side_turns_never_teach BEFORE INSERT ON turns
WHEN NEW.kind = 'side' AND EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory AND learn = 1)
BEGIN
  SELECT RAISE(ABORT, 'Only a main turn of another agent teaches anything.');
END;
