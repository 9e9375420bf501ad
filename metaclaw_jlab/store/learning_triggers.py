"""The triggers of what is learnt: feedback, settlements, uses and their effects, lineage, index texts."""

from __future__ import annotations

from metaclaw_jlab.store.trigger_sql import (
    CURRENT,
    failing,
    follow,
    frozen,
    heard,
    last_word,
    may_teach,
    outcome,
    refuse,
)

_SETTLED = (
    f"EXISTS (SELECT 1 FROM settlements WHERE trajectory = OLD.id\n      AND heard = {heard('OLD.id')})"
)
_NOT_ALL_HEARD = f"NEW.heard IS NOT {heard('NEW.trajectory')}"
_FORGIVEN = f"CASE {last_word('OLD.id')} WHEN 'good' THEN 1 WHEN '' THEN NOT {failing('OLD')} ELSE 0 END"
_ONLY_WITH_EVIDENCE = (
    "(NEW.decision = 'evolved') <> EXISTS (\n"
    "  SELECT 1 FROM generation_evidence WHERE trajectory = NEW.trajectory)"
)
_DECIDED = "UPDATE trajectories SET unsettled = 0 WHERE id = NEW.trajectory AND unsettled = 1"
_IN_STAMP = (
    "EXISTS (SELECT 1 FROM trajectories, json_each(trajectories.skills) AS injected\n"
    f"  WHERE trajectories.number = NEW.number AND {may_teach('trajectories')}\n"
    "    AND json_extract(injected.value, '$[0]') = NEW.name AND json_extract(injected.value, '$[1]') = NEW.sha256)"
)
_VERSION = "UPDATE counters SET value = value + 1 WHERE name = 'index_texts'"


def _goes_with_its_trajectory(table: str, key: str, noun: str) -> tuple[str, str]:
    return refuse(
        f"{table}_stay",
        "DELETE",
        table,
        f"EXISTS (SELECT 1 FROM trajectories WHERE {key})",
        f"{noun} goes only with its trajectory.",
    )


_FEEDBACK = [
    refuse(
        "feedback_is_on_a_trajectory",
        "INSERT",
        "feedback",
        "NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory)",
        "Feedback is on a trajectory that is there.",
    ),
    refuse(
        "feedback_comes_in_order",
        "INSERT",
        "feedback",
        "NEW.position IS NOT (SELECT coalesce(max(position) + 1, 0) FROM feedback WHERE trajectory = NEW.trajectory)",
        "Feedback on a trajectory comes in order, without a gap.",
    ),
    refuse("feedback_does_not_change", "UPDATE", "feedback", None, "Feedback never changes."),
    _goes_with_its_trajectory("feedback", "id = OLD.trajectory", "Feedback"),
    follow(
        "feedback_is_heard",
        "INSERT",
        "feedback",
        "UPDATE trajectories SET unsettled = (NEW.kind <> 'good')\n"
        f"    WHERE id = NEW.trajectory AND stop IS NOT NULL AND {may_teach('trajectories')} AND role <> 'support'\n"
        "      AND unsettled <> (NEW.kind <> 'good')",
    ),
]

_SETTLEMENTS = [
    refuse(
        "unsettled_are_failures_that_may_teach",
        "UPDATE OF unsettled",
        "trajectories",
        f"NEW.unsettled = 1 AND (OLD.stop IS NULL OR OLD.role = 'support' OR NOT ({may_teach('OLD')}))",
        "Only a trajectory that has ended and may teach waits for a decision.",
    ),
    refuse(
        "no_failure_is_lost",
        "UPDATE OF unsettled",
        "trajectories",
        f"NEW.unsettled = 0 AND OLD.unsettled = 1 AND NOT {_SETTLED} AND NOT {_FORGIVEN}",
        "A failure waits until it is decided on, called good, or no failure without a word taken back.",
    ),
    follow(
        "failures_wait_for_a_decision",
        "UPDATE OF stop",
        "trajectories",
        f"UPDATE uses SET outcome = {outcome('NEW')}\n    WHERE number = NEW.number",
        "UPDATE trajectories SET unsettled = 1\n"
        f"    WHERE number = NEW.number AND {may_teach('trajectories')}\n"
        f"      AND CASE {last_word('NEW.id')} WHEN 'good' THEN 0\n"
        f"        WHEN '' THEN {outcome('NEW')} IN ('failed', 'raised') ELSE 1 END",
        when="OLD.stop IS NULL AND NEW.stop IS NOT NULL",
    ),
    refuse(
        "settlements_are_one",
        "INSERT",
        "settlements",
        "EXISTS (SELECT 1 FROM settlements WHERE trajectory = NEW.trajectory)",
        "A trajectory has one settlement.",
    ),
    refuse(
        "settlements_are_of_the_ended",
        "INSERT",
        "settlements",
        "NOT EXISTS (SELECT 1 FROM trajectories\n"
        f"  WHERE id = NEW.trajectory AND stop IS NOT NULL AND {may_teach('trajectories')})",
        "Only a trajectory that has ended and may teach is decided on.",
    ),
    *(
        refuse(f"{event.lower()}ed_settlements_{rule}", event, "settlements", condition, message)
        for event in ("INSERT", "UPDATE")
        for rule, condition, message in (
            ("heard_all", _NOT_ALL_HEARD, "A settlement knows all the feedback on its trajectory."),
            (
                "evolve_with_evidence",
                _ONLY_WITH_EVIDENCE,
                "The evidence of a generation is settled as evolved, and nothing else is.",
            ),
        )
    ),
    refuse(
        "evolved_is_for_ever",
        "UPDATE",
        "settlements",
        "OLD.decision = 'evolved' OR NEW.trajectory <> OLD.trajectory",
        "A failure that evolved the library stays settled so.",
    ),
    _goes_with_its_trajectory("settlements", "id = OLD.trajectory", "A settlement"),
    follow("settled_is_not_unsettled", "INSERT", "settlements", _DECIDED),
    follow("settled_again_is_not_unsettled", "UPDATE", "settlements", _DECIDED),
]

_USES = [
    refuse(
        "uses_are_of_the_stamp",
        "INSERT",
        "uses",
        f"NEW.outcome IS NOT NULL OR NEW.effect IS NOT NULL OR NOT {_IN_STAMP}\n"
        "  OR EXISTS (SELECT 1 FROM uses WHERE name = NEW.name AND sha256 = NEW.sha256 AND number = NEW.number)",
        "The uses of a skill are those in the stamps of trajectories that may teach.",
    ),
    refuse(
        "uses_do_not_change",
        "UPDATE OF name, sha256, number",
        "uses",
        None,
        "The use of a skill never changes.",
    ),
    refuse(
        "outcomes_come_with_the_end",
        "UPDATE OF outcome",
        "uses",
        "OLD.outcome IS NOT NULL OR NEW.outcome IS NOT (\n"
        f"  SELECT {outcome('trajectories')} FROM trajectories WHERE number = OLD.number AND stop IS NOT NULL)",
        "The outcome of a use is that of the end of its trajectory.",
    ),
    refuse(
        "effects_are_told_once",
        "UPDATE OF effect",
        "uses",
        "OLD.effect IS NOT NULL OR OLD.outcome IS NULL OR OLD.outcome NOT IN ('passed', 'failed')",
        "The effect of a skill on a checked task is told once, and never changes.",
    ),
    _goes_with_its_trajectory("uses", "number = OLD.number", "The use of a skill"),
    follow(
        "trajectories_use_skills",
        "INSERT",
        "trajectories",
        "INSERT INTO uses (name, sha256, number)\n"
        "    SELECT DISTINCT json_extract(value, '$[0]') AS name, json_extract(value, '$[1]') AS sha256, NEW.number\n"
        "    FROM json_each(NEW.skills) WHERE name <> '' AND name NOT GLOB '*[^a-z0-9-]*'\n"
        "      AND sha256 NOT GLOB '*[^a-zA-Z0-9]*'",
        when=may_teach("NEW"),
    ),
]

_LINEAGE = [
    refuse(
        "lineage_comes_with_its_generation",
        "INSERT",
        "lineage",
        f"NEW.generation IS NOT {CURRENT} OR NOT EXISTS (\n"
        "  SELECT 1 FROM generation_members WHERE generation = NEW.generation AND name = NEW.name)\n"
        "  OR NOT EXISTS (SELECT 1 FROM generation_evidence WHERE trajectory = NEW.trajectory)\n"
        "  OR EXISTS (SELECT 1 FROM lineage WHERE generation = NEW.generation AND position = NEW.position)",
        "A skill comes from support, and says so with its generation.",
    ),
    *frozen("lineage", "Where a skill came from"),
]

_INDEX_TEXTS = [
    refuse(
        "index_texts_are_new",
        "INSERT",
        "index_texts",
        "EXISTS (SELECT 1 FROM index_texts WHERE name = NEW.name AND text = NEW.text)",
        "The index has this text already.",
    ),
    refuse(
        "index_texts_may_teach",
        "INSERT",
        "index_texts",
        "NOT EXISTS (SELECT 1 FROM trajectories\n"
        f"  WHERE id = NEW.trajectory AND {may_teach('trajectories')})",
        "The index takes up the texts of tasks that may teach.",
    ),
    refuse(
        "index_texts_do_not_change",
        "UPDATE OF name, text, trajectory, at",
        "index_texts",
        None,
        "A text of the index never changes: it is removed.",
    ),
    refuse(
        "index_tallies_only_grow",
        "UPDATE OF hits, misses",
        "index_texts",
        "NEW.hits < OLD.hits OR NEW.misses < OLD.misses",
        "The tally of a text only grows.",
    ),
    follow("index_texts_are_counted", "INSERT", "index_texts", _VERSION),
    follow("removed_index_texts_are_counted", "DELETE", "index_texts", _VERSION),
]

LEARNING: list[tuple[str, str]] = [*_FEEDBACK, *_SETTLEMENTS, *_USES, *_LINEAGE, *_INDEX_TEXTS]
