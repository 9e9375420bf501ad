"""What a home has learnt from: tasks by their texts, and failures that were decided on or wait."""

from __future__ import annotations

from sqlalchemy import text

from metaclaw_jlab.store.database import Database

SUPPORT, DRAINED = "it evolved the skill library", "it trained the weights"

_LEARNT = text(
    "SELECT trajectories.text_sha256, 1 AS trained FROM drained\n"
    "  JOIN trajectories ON trajectories.id = drained.trajectory\n"
    "UNION SELECT text_sha256, 0 FROM trajectories WHERE role = 'support'\n"
    "UNION SELECT trajectories.text_sha256, 0 FROM generation_evidence\n"
    "  JOIN trajectories ON trajectories.id = generation_evidence.trajectory\n"
    "UNION SELECT trajectories.text_sha256, 0 FROM lineage\n"
    "  JOIN trajectories ON trajectories.id = lineage.trajectory\n"
    "ORDER BY trained DESC"
)
_FAILURES = text(
    "SELECT id FROM (SELECT trajectories.id, trajectories.number FROM settlements\n"
    "    JOIN trajectories ON trajectories.id = settlements.trajectory\n"
    "  UNION SELECT id, number FROM trajectories\n"
    "    WHERE unsettled = 1 AND drained_at IS NULL AND role <> 'support')\n"
    "ORDER BY number"
)


def learnt_texts(database: Database) -> dict[str, str]:
    """The texts, by their hashes, of all tasks that taught the library or the weights anything, each with how."""
    with database.read() as connection:
        rows = connection.execute(_LEARNT).all()
    return {row.text_sha256: DRAINED if row.trained else SUPPORT for row in rows}


def failures(database: Database) -> tuple[str, ...]:
    """The trajectories that failed, decided on or not, the oldest first."""
    with database.read() as connection:
        return tuple(connection.execute(_FAILURES).scalars())
