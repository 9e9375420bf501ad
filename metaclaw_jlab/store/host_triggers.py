"""The triggers of the host: windows, pauses, clients of the proxy and their turns."""

from __future__ import annotations

from metaclaw_jlab.store.training_triggers import numbered
from metaclaw_jlab.store.trigger_sql import follow, refuse

_WINDOWS = [
    numbered("windows", "Windows"),
    refuse(
        "windows_begin_open",
        "INSERT",
        "windows",
        "NEW.closed_at IS NOT NULL OR EXISTS (SELECT 1 FROM windows WHERE closed_at IS NULL)",
        "A window begins open, when the one before is closed.",
    ),
    refuse(
        "windows_close_once",
        "UPDATE",
        "windows",
        "OLD.closed_at IS NOT NULL OR NEW.number <> OLD.number OR NEW.opened_at <> OLD.opened_at\n"
        "  OR NEW.opened_by <> OLD.opened_by OR NEW.used_seconds < OLD.used_seconds",
        "A window that is closed does not change.",
    ),
    refuse("windows_stay", "DELETE", "windows", None, "A window is never deleted."),
]

_PAUSES = [
    numbered("pauses", "Pauses"),
    refuse(
        "pauses_end_once",
        "UPDATE",
        "pauses",
        "OLD.ended_at IS NOT NULL OR NEW.number <> OLD.number OR NEW.at <> OLD.at OR NEW.until IS NOT OLD.until",
        "A pause only ends, once.",
    ),
    refuse("pauses_stay", "DELETE", "pauses", None, "A pause is never deleted."),
]

_CLIENTS = [
    refuse(
        "client_keys_are_new",
        "INSERT",
        "client_keys",
        "EXISTS (SELECT 1 FROM client_keys WHERE id = NEW.id OR sha256 = NEW.sha256\n"
        "  OR (name = NEW.name AND revoked_at IS NULL))",
        "A client key of this name is there already.",
    ),
    refuse(
        "client_keys_keep_their_namespace",
        "UPDATE OF id, name, sha256, namespace, created_at",
        "client_keys",
        None,
        "What a client key is for never changes.",
    ),
    refuse(
        "revoked_client_keys_stay_revoked",
        "UPDATE OF revoked_at",
        "client_keys",
        "OLD.revoked_at IS NOT NULL",
        "A revoked client key stays revoked.",
    ),
    refuse("client_keys_stay", "DELETE", "client_keys", None, "A client key is revoked, never deleted."),
]

_TURNS = [
    refuse(
        "turns_are_of_the_proxy",
        "INSERT",
        "turns",
        "NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory AND purpose = 'proxy')\n"
        "  OR EXISTS (SELECT 1 FROM turns WHERE trajectory = NEW.trajectory)",
        "A turn is a trajectory of the proxy.",
    ),
    refuse(
        "turns_keep_their_kind",
        "UPDATE OF trajectory, session, kind, client",
        "turns",
        None,
        "Whose turn it was never changes.",
    ),
    refuse(
        "turns_go_with_their_trajectory",
        "DELETE",
        "turns",
        "EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)",
        "A turn goes only with its trajectory.",
    ),
    follow("turns_are_forgotten", "DELETE", "trajectories", "DELETE FROM turns WHERE trajectory = OLD.id"),
    refuse(
        "side_turns_never_teach",
        "INSERT",
        "turns",
        "NEW.kind = 'side' AND EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory AND learn = 1)",
        "Only a main turn of another agent teaches anything.",
    ),
]

HOST = [*_WINDOWS, *_PAUSES, *_CLIENTS, *_TURNS]
