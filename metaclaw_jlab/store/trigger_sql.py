"""How a trigger is written down, and the conditions that several of them share."""

from __future__ import annotations

CURRENT = "(SELECT max(number) FROM generations)"
LEARNABLE_PURPOSES = ("user", "retry", "proxy")  # a purpose that is not named here can never teach anything
LEARNABLE = f"{LEARNABLE_PURPOSES}"

EVOLVED = "'It evolved generation ' || NEW.number || '.'"


def heard(trajectory: str) -> str:
    """How much was said about a trajectory: words, and words taken back."""
    return (
        f"((SELECT count(*) FROM feedback WHERE feedback.trajectory = {trajectory})\n"
        f"      + (SELECT count(*) FROM withdrawals WHERE withdrawals.trajectory = {trajectory}))"
    )


HEARD = heard("settlements.trajectory")
HEARD_OF_ID = heard("trajectories.id")

OVER = "('done', 'abandoned', 'failed')"
LIVE_RUN = f"state NOT IN {OVER} AND skill_generation = {CURRENT}"


def may_teach(row: str) -> str:
    """Whether a trajectory may teach anything at all."""
    return f"{row}.learn = 1 AND {row}.purpose IN {LEARNABLE}"


def trainable(row: str) -> str:
    """Whether a trajectory may train the policy now."""
    return (
        f"{row}.role = 'query' AND {row}.skill_generation = {CURRENT} AND {row}.held_out = 0\n"
        f"    AND {row}.stop IS NOT NULL AND {may_teach(row)}\n"
        f"    AND EXISTS (SELECT 1 FROM starts WHERE starts.trajectory = {row}.id)"
    )


def passed_since(row: str) -> str:
    """Whether the same task has passed after this trajectory of it."""
    return (
        "EXISTS (\n"
        "  SELECT 1 FROM trajectories later\n"
        f"  WHERE later.text_sha256 = {row}.text_sha256 AND later.number > {row}.number\n"
        f"    AND later.notebook IS {row}.notebook AND later.cell_id IS {row}.cell_id AND later.stop = 'done'\n"
        f"    AND later.purpose IN {LEARNABLE} AND coalesce(json_extract(later.score, '$.value'), 0) >= 0)"
    )


def outcome(row: str) -> str:
    """How a trajectory ended, as far as its own row tells."""
    return (
        f"CASE WHEN EXISTS (SELECT 1 FROM json_each({row}.checks) WHERE json_extract(value, '$[3]') = 0)\n"
        "      THEN 'failed'\n"
        f"    WHEN {row}.checks <> '[]' THEN 'passed'\n"
        f"    WHEN json_extract({row}.score, '$.source') = 'outcome' AND json_extract({row}.score, '$.value') < 0\n"
        "      THEN 'raised' ELSE 'unchecked' END"
    )


def last_word(trajectory: str) -> str:
    """The kind of the last feedback on a trajectory that was not taken back, '' where there is none."""
    return (
        f"coalesce((SELECT kind FROM feedback WHERE trajectory = {trajectory} AND NOT EXISTS (\n"
        "        SELECT 1 FROM withdrawals WHERE withdrawals.trajectory = feedback.trajectory\n"
        "          AND withdrawals.position = feedback.position)\n"
        "      ORDER BY position DESC LIMIT 1), '')"
    )


def judged_wrong(row: str) -> str:
    """Whether a judge's majority said that a turn of another agent went wrong; a judge fails nothing else."""
    return (
        f"{row}.purpose = 'proxy' AND json_extract({row}.score, '$.source') IS 'judge'\n"
        f"      AND json_extract({row}.score, '$.value') < 0"
    )


def failing(row: str) -> str:
    """Whether a trajectory that has ended is a failure, whatever the user said."""
    return f"({outcome(row)} IN ('failed', 'raised') OR ({judged_wrong(row)}))"


def refuse(name: str, event: str, table: str, condition: str | None, message: str) -> tuple[str, str]:
    """A trigger that stops a write."""
    when = f"\nWHEN {condition}" if condition else ""
    return name, (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table}{when}\nBEGIN\n  SELECT RAISE(ABORT, '{message}');\nEND"
    )


def follow(name: str, event: str, table: str, *statements: str, when: str | None = None) -> tuple[str, str]:
    """A trigger that does more in the same transaction."""
    condition = f"\nWHEN {when}" if when else ""
    body = "\n".join(f"  {statement};" for statement in statements)
    return name, f"CREATE TRIGGER {name} AFTER {event} ON {table}{condition}\nBEGIN\n{body}\nEND"


def frozen(table: str, noun: str) -> list[tuple[str, str]]:
    """Triggers of a table whose rows stay as they are."""
    return [
        refuse(f"{table}_stay", "DELETE", table, None, f"{noun} is never deleted."),
        refuse(f"{table}_do_not_change", "UPDATE", table, None, f"{noun} never changes."),
    ]
