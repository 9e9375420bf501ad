"""The tables of the slow loop: what tasks started from, runs, gates, what serves. Rules: see training_triggers."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text

from metaclaw_jlab.store.schema import Exact, metadata

# A start state is a row, its parts and their contents; contents and states are shared by those who need them.
start_blobs = Table(
    "start_blobs",
    metadata,
    Column("sha256", Text, primary_key=True, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

start_states = Table(
    "start_states",
    metadata,
    Column("sha256", Text, primary_key=True, nullable=False),
    Column("practice", Exact),
)

start_parts = Table(
    "start_parts",
    metadata,
    Column("state", Text, ForeignKey("start_states.sha256"), primary_key=True, nullable=False),
    Column("kind", Text, primary_key=True, nullable=False),
    Column("name", Exact, primary_key=True, nullable=False),
    Column("blob", Text, ForeignKey("start_blobs.sha256"), nullable=False),
    CheckConstraint("kind IN ('file', 'object')", name="kind_is_known"),
    Index("start_parts_by_blob", "blob"),
    sqlite_with_rowid=False,
)

starts = Table(
    "starts",
    metadata,
    Column("trajectory", Text, ForeignKey("trajectories.id"), primary_key=True, nullable=False),
    Column("sha256", Text, ForeignKey("start_states.sha256"), nullable=False),
    Index("starts_by_state", "sha256"),
    sqlite_with_rowid=False,
)

# On which side the first task of a place, or of a masked text, went: those like it follow.
task_shares = Table(
    "task_shares",
    metadata,
    Column("sha256", Text, primary_key=True, nullable=False),
    Column("held_out", Integer, nullable=False),
    CheckConstraint("held_out IN (0, 1)", name="held_out_is_a_switch"),
    sqlite_with_rowid=False,
)

training_runs = Table(
    "training_runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("skill_generation", Integer, ForeignKey("generations.number"), nullable=False),
    Column("base", Exact, nullable=False),
    Column("base_sha256", Text, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Exact, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("steps_done", Integer, nullable=False),
    Column("prompts", Integer, nullable=False),
    Column("parent", Integer),  # versions of adapters: these may be removed, a run stays
    Column("adapter", Integer),
    CheckConstraint("number > 0", name="number_is_positive"),
    CheckConstraint("steps_done BETWEEN 0 AND steps", name="steps_done_are_steps"),
    CheckConstraint("prompts >= 0", name="prompts_are_counted"),
    CheckConstraint(
        "state IN ('collecting', 'training', 'paused', 'gating', 'done', 'abandoned', 'failed')",
        name="state_is_known",
    ),
    Index("training_runs_by_state", "state"),
)

training_steps = Table(
    "training_steps",
    metadata,
    Column("run", Integer, ForeignKey("training_runs.number"), primary_key=True, nullable=False),
    Column("step", Integer, primary_key=True, nullable=False),
    Column("report", Text, nullable=False),  # JSON
    CheckConstraint("step >= 0", name="step_is_natural"),
    sqlite_with_rowid=False,
)

drained = Table(
    "drained",
    metadata,
    Column("run", Integer, ForeignKey("training_runs.number"), primary_key=True, nullable=False),
    Column("trajectory", Text, ForeignKey("trajectories.id"), primary_key=True, nullable=False),
    Column("at", Float, nullable=False),
    Index("drained_by_trajectory", "trajectory"),
    sqlite_with_rowid=False,
)

gates = Table(
    "gates",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("adapter", Integer, nullable=False),  # it may be removed, its gates stay
    Column("verdict", Text, nullable=False),
    Column("reason", Exact, nullable=False),
    Column("comparisons", Text, nullable=False),  # JSON
    Column("look", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("at", Float, nullable=False),
    CheckConstraint("number > 0", name="number_is_positive"),
    CheckConstraint("verdict IN ('promote', 'reject', 'insufficient')", name="verdict_is_known"),
    Index("gates_by_adapter", "adapter"),
)

serving = Table(
    "serving",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("version", Integer, ForeignKey("adapters.version")),  # NULL: the base without adapter
    Column("cause", Text, nullable=False),
    Column("reason", Exact, nullable=False),
    Column("after", Integer, nullable=False),  # number of the newest trajectory that there was
    Column("at", Float, nullable=False),
    CheckConstraint("number > 0", name="number_is_positive"),
    CheckConstraint("cause IN ('promote', 'force', 'rollback', 'watch')", name="cause_is_known"),
)

judge_tests = Table(
    "judge_tests",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("model", Exact, nullable=False),
    Column("usable", Integer, nullable=False),
    Column("auc", Float),
    Column("canaries_failed", Text, nullable=False),  # JSON array of names
    Column("reason", Exact, nullable=False),
    Column("at", Float, nullable=False),
    CheckConstraint("number > 0", name="number_is_positive"),
    CheckConstraint("usable IN (0, 1)", name="usable_is_a_switch"),
    Index("judge_tests_by_model", "model", "number"),
)
