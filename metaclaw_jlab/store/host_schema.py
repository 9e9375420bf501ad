"""The tables of the host: windows, pauses, clients of the proxy and their turns. Rules: see host_triggers."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, Table, Text

from metaclaw_jlab.store.schema import Exact, metadata

windows = Table(
    "windows",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("opened_at", Float, nullable=False),
    Column("opened_by", Text, nullable=False),  # JSON array of names of signals
    Column("closed_at", Float),
    Column("closed_by", Text, nullable=False),
    Column("run", Integer, ForeignKey("training_runs.number")),
    Column("used_seconds", Float, nullable=False),
    Column("yield_seconds", Float),
    CheckConstraint("number > 0", name="number_is_positive"),
    CheckConstraint("used_seconds >= 0", name="use_is_positive"),
    Index("windows_by_time", "opened_at"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("until", Float),  # NULL: until it is taken back
    Column("ended_at", Float),
    CheckConstraint("number > 0", name="number_is_positive"),
)

client_keys = Table(
    "client_keys",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("name", Exact, nullable=False),
    Column("sha256", Text, nullable=False, unique=True),
    Column("namespace", Text, nullable=False),  # "": the home's own
    Column("settings", Text, nullable=False),  # JSON object: skills, learn
    Column("created_at", Float, nullable=False),
    Column("used_at", Float),
    Column("revoked_at", Float),
    sqlite_with_rowid=False,
)

# The trajectories of purpose `proxy`: whose turn it was, and of which conversation.
turns = Table(
    "turns",
    metadata,
    Column("trajectory", Text, ForeignKey("trajectories.id"), primary_key=True, nullable=False),
    Column("session", Exact, nullable=False),
    Column("kind", Text, nullable=False),
    Column("client", Text, nullable=False),  # id of a client key, "" for Jupyter's own token
    Column("conversation", Text, nullable=False),  # hash of the messages up to its last reply
    Column("at", Float, nullable=False),  # when it was last heard of
    CheckConstraint("kind IN ('main', 'side')", name="kind_is_known"),
    Index("turns_by_session", "session"),
    Index("turns_by_conversation", "conversation"),
    sqlite_with_rowid=False,
)
