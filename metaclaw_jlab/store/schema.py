"""The tables, declared once. What is queried is a column; what is nested is JSON text. Rules: see triggers."""

from __future__ import annotations

import json

from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

# "mcjl": tells this database from those of other programs (PRAGMA application_id).
APPLICATION_ID = 0x6D636A6C

ESCAPED = "\x00json:"

# Conditions of indices, which a query has to repeat word for word to be answered by them.
TOLD = (
    "purpose = 'user' AND stop IS NOT NULL AND (checks <> '[]' OR json_extract(score, '$.source') = 'user')"
)
UNTEACHING = "learn = 0 OR purpose NOT IN ('user', 'retry', 'proxy')"


class Exact(TypeDecorator[str]):
    """Text that comes back as it went in, lone surrogates too (file names and program output can hold them)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Escape what UTF-8 cannot carry."""
        if value is None:
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            return ESCAPED + json.dumps(value)
        return ESCAPED + json.dumps(value) if value.startswith(ESCAPED) else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Undo the escape."""
        if value is None or not value.startswith(ESCAPED):
            return value
        return str(json.loads(value.removeprefix(ESCAPED)))


metadata = MetaData()

skills = Table(
    "skills",
    metadata,
    Column("sha256", Text, primary_key=True, nullable=False),
    Column("name", Text, nullable=False),
    Column("content", Text, nullable=False),  # JSON: description, body, metadata, ...
    Column("created_at", Float, nullable=False),
    UniqueConstraint("sha256", "name"),
    sqlite_with_rowid=False,
)

# A generation is one row, so that it comes whole or not at all; the two tables after it are filled by its trigger.
generations = Table(
    "generations",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("parent", Integer, ForeignKey("generations.number")),
    Column("cause", Text, nullable=False),
    Column("members", Text, nullable=False),  # JSON object: skill name to content hash, in order of names
    Column("evidence", Text, nullable=False),  # JSON array of trajectory ids
    Column("created_at", Float, nullable=False),
    CheckConstraint("number >= 0", name="number_is_natural"),
    CheckConstraint("parent IS number - 1 OR (number = 0 AND parent IS NULL)", name="parent_precedes"),
)

generation_members = Table(
    "generation_members",
    metadata,
    Column("generation", Integer, ForeignKey("generations.number"), primary_key=True, nullable=False),
    Column("name", Text, primary_key=True, nullable=False),
    Column("sha256", Text, nullable=False),
    ForeignKeyConstraint(["sha256", "name"], ["skills.sha256", "skills.name"]),
    sqlite_with_rowid=False,
)

generation_evidence = Table(
    "generation_evidence",
    metadata,
    Column("trajectory", Text, ForeignKey("trajectories.id"), primary_key=True, nullable=False),
    Column("generation", Integer, ForeignKey("generations.number"), nullable=False),
    sqlite_with_rowid=False,
)

trajectories = Table(
    "trajectories",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("notebook", Exact),
    Column("cell_id", Exact),
    Column("text_sha256", Text, nullable=False),
    Column("task", Text, nullable=False),  # JSON: text, references, checks, name
    Column("skill_generation", Integer, ForeignKey("generations.number"), nullable=False),
    Column("skills", Text, nullable=False),  # JSON: the injected ones
    Column("model", Exact, nullable=False),
    Column("adapter", Integer),
    Column("seed", Integer),
    Column("purpose", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("process", Text, nullable=False),  # mark of the process that runs it, "" where unknown
    Column("role", Text, nullable=False),
    Column("role_reason", Exact, nullable=False),
    Column("drained_at", Float),  # when a training run took it
    Column("stop", Text),
    Column("stop_detail", Exact, nullable=False),
    Column("checks", Text, nullable=False),  # JSON: check results
    Column("seconds", Float, nullable=False),
    Column("score", Text),  # JSON
    Column(
        "learn",
        Integer,
        CheckConstraint("learn IN (0, 1)", name="learn_is_a_switch"),
        nullable=False,
        server_default=text("1"),
    ),
    Column(  # a failure that nobody has decided on; kept by triggers
        "unsettled",
        Integer,
        CheckConstraint("unsettled IN (0, 1)", name="unsettled_is_a_switch"),
        nullable=False,
        server_default=text("0"),
    ),
    Column(  # whether it is kept for gates; NULL while it is not query
        "held_out", Integer, CheckConstraint("held_out IN (0, 1)", name="held_out_is_a_switch")
    ),
    Column("own_score", Text),  # JSON: the score that a user's word took the place of
    CheckConstraint("number > 0", name="number_is_positive"),
    CheckConstraint("role IN ('neither', 'support', 'query')", name="role_is_one"),
    Index("trajectories_by_notebook", "notebook", "number"),
    Index("trajectories_by_text", "text_sha256", "number"),
    Index("trajectories_by_role", "role", "skill_generation"),
    Index("trajectories_by_stop", "stop"),
    Index("trajectories_by_generation", "skill_generation", "number"),
    Index(  # the user's tasks of which checks or the user's word tell how they went
        "trajectories_told", "skill_generation", "number", sqlite_where=text(TOLD)
    ),
    Index("trajectories_unteaching", "number", sqlite_where=text(UNTEACHING)),
    Index(
        "trajectories_unsettled",
        "number",
        sqlite_where=text("unsettled = 1 AND drained_at IS NULL AND role <> 'support'"),
    ),
)

# Ids that are never given again, so that nothing can be deleted and come back under another stamp.
forgotten = Table(
    "forgotten",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    sqlite_with_rowid=False,
)

steps = Table(
    "steps",
    metadata,
    Column("trajectory", Text, ForeignKey("trajectories.id"), primary_key=True, nullable=False),
    Column("position", Integer, primary_key=True, nullable=False),
    Column("shared", Integer, nullable=False),  # so many messages are those of the step before
    Column("messages", Text, nullable=False),  # JSON: the others
    Column("reply", Exact, nullable=False),
    Column("action", Exact, nullable=False),
    Column("observation", Text),  # JSON
    Column("scores", Text, nullable=False),  # JSON
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("policy_seconds", Float, nullable=False),
    Column("ran", Exact),
    sqlite_with_rowid=False,
)

# What was said about a trajectory, in order.
feedback = Table(
    "feedback",
    metadata,
    Column("trajectory", Text, ForeignKey("trajectories.id"), primary_key=True, nullable=False),
    Column("position", Integer, primary_key=True, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Exact, nullable=False),
    Column("at", Float, nullable=False),
    CheckConstraint("kind IN ('good', 'bad', 'edited', 'rejected')", name="kind_is_known"),
    sqlite_with_rowid=False,
)

# Words that were taken back. The word itself stays.
withdrawals = Table(
    "withdrawals",
    metadata,
    Column("trajectory", Text, ForeignKey("trajectories.id"), primary_key=True, nullable=False),
    Column("position", Integer, primary_key=True, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)

# What was decided about a failure.
settlements = Table(
    "settlements",
    metadata,
    Column("trajectory", Text, ForeignKey("trajectories.id"), primary_key=True, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Exact, nullable=False),
    Column("heard", Integer, nullable=False),  # so much feedback was there
    Column("at", Float, nullable=False),
    CheckConstraint("decision IN ('evolved', 'explained', 'kept')", name="decision_is_known"),
    sqlite_with_rowid=False,
)

# The injected skills of the trajectories that may teach, so that counting them reads no JSON.
uses = Table(
    "uses",
    metadata,
    Column("name", Text, primary_key=True, nullable=False),
    Column("sha256", Text, primary_key=True, nullable=False),
    Column("number", Integer, ForeignKey("trajectories.number"), primary_key=True, nullable=False),
    Column("outcome", Text),  # NULL while the trajectory is open
    Column("effect", Text),  # NULL where nobody replayed it without the skill
    CheckConstraint("outcome IN ('passed', 'failed', 'raised', 'unchecked')", name="outcome_is_known"),
    CheckConstraint("effect IN ('helped', 'hurt', 'none')", name="effect_is_known"),
    Index("uses_by_trajectory", "number"),
    Index("uses_by_outcome", "name", "outcome", "effect"),
    Index(
        "uses_unverified",
        "number",
        sqlite_where=text("effect IS NULL AND outcome IN ('passed', 'failed')"),
    ),
    sqlite_with_rowid=False,
)

lineage = Table(
    "lineage",
    metadata,
    Column("generation", Integer, ForeignKey("generations.number"), primary_key=True, nullable=False),
    Column("position", Integer, primary_key=True, nullable=False),
    Column("name", Text, nullable=False),
    Column("trajectory", Text, ForeignKey("trajectories.id"), nullable=False),
    Column("said", Exact, nullable=False),
    ForeignKeyConstraint(
        ["generation", "name"], ["generation_members.generation", "generation_members.name"]
    ),
    Index("lineage_by_name", "name", "generation"),
    sqlite_with_rowid=False,
)

index_texts = Table(
    "index_texts",
    metadata,
    Column("name", Text, primary_key=True, nullable=False),
    Column("text", Exact, primary_key=True, nullable=False),
    Column("trajectory", Text, ForeignKey("trajectories.id"), nullable=False),
    Column("hits", Integer, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)

undecided_wordings = Table(
    "undecided_wordings",
    metadata,
    Column("name", Text, primary_key=True, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("wordings", Text, nullable=False),  # JSON array of bodies
    Column("sources", Text, nullable=False),  # JSON: trajectory and sentence
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True, nullable=False),
    Column("mark", Text, primary_key=True, nullable=False),
    Column("sha256", Text),  # NULL: whatever the skill says
    Column("at", Float, nullable=False),
    CheckConstraint("mark IN ('pinned', 'disabled', 'quarantined')", name="mark_is_known"),
    sqlite_with_rowid=False,
)

notebooks = Table(
    "notebooks",
    metadata,
    Column("notebook", Exact, primary_key=True, nullable=False),
    Column("learn", Integer, nullable=False),
    Column("at", Float, nullable=False),
    CheckConstraint("learn IN (0, 1)", name="learn_is_a_switch"),
    sqlite_with_rowid=False,
)

adapters = Table(
    "adapters",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("base", Exact, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("skill_generation", Integer, ForeignKey("generations.number"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("reason", Exact, nullable=False),
    CheckConstraint("version > 0", name="version_is_positive"),
    CheckConstraint("status IN ('candidate', 'promoted', 'rejected', 'forced')", name="status_is_known"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True, nullable=False),
    Column("value", Integer, nullable=False),
    sqlite_with_rowid=False,
)

activity = Table(
    "activity",
    metadata,
    Column("process", Text, primary_key=True, nullable=False),
    Column("notebook", Exact),
    Column("state", Text, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("fields", Text, nullable=False),  # JSON object of ids and numbers
    Column("at", Float, nullable=False),
    CheckConstraint("number > 0", name="number_is_positive"),
)
