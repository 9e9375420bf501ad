"""The triggers of the slow loop: what is trained on, runs, gates, and what serves."""

from __future__ import annotations

from metaclaw_jlab.store.trigger_sql import (
    CURRENT,
    LIVE_RUN,
    OVER,
    follow,
    frozen,
    may_teach,
    refuse,
    trainable,
)


def numbered(table: str, noun: str) -> tuple[str, str]:
    """A trigger of a table whose rows are numbered without a gap."""
    return refuse(
        f"{table}_follow_each_other",
        "INSERT",
        table,
        f"NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM {table})",
        f"{noun} follow each other without a gap, and no number comes twice.",
    )


_STARTS = [
    refuse(
        "start_blobs_are_new",
        "INSERT",
        "start_blobs",
        "EXISTS (SELECT 1 FROM start_blobs WHERE sha256 = NEW.sha256)",
        "The store has this content already.",
    ),
    refuse(
        "start_blobs_do_not_change", "UPDATE", "start_blobs", None, "What a task started from never changes."
    ),
    refuse(
        "start_blobs_are_needed",
        "DELETE",
        "start_blobs",
        "EXISTS (SELECT 1 FROM start_parts WHERE blob = OLD.sha256)",
        "The content of a start state goes with the last one that needs it.",
    ),
    refuse(
        "start_states_are_new",
        "INSERT",
        "start_states",
        "EXISTS (SELECT 1 FROM start_states WHERE sha256 = NEW.sha256)",
        "The store has this start state already.",
    ),
    refuse("start_states_do_not_change", "UPDATE", "start_states", None, "A start state never changes."),
    refuse(
        "start_states_are_needed",
        "DELETE",
        "start_states",
        "EXISTS (SELECT 1 FROM starts WHERE sha256 = OLD.sha256)",
        "A start state goes with the last trajectory that needs it.",
    ),
    refuse(
        "start_parts_come_with_their_state",
        "INSERT",
        "start_parts",
        "NOT EXISTS (SELECT 1 FROM start_states WHERE sha256 = NEW.state)\n"
        "  OR NOT EXISTS (SELECT 1 FROM start_blobs WHERE sha256 = NEW.blob)\n"
        "  OR EXISTS (SELECT 1 FROM starts WHERE sha256 = NEW.state)\n"
        "  OR EXISTS (SELECT 1 FROM start_parts\n"
        "    WHERE state = NEW.state AND kind = NEW.kind AND name = NEW.name)",
        "The parts of a start state come with it.",
    ),
    refuse(
        "start_parts_do_not_change", "UPDATE", "start_parts", None, "The parts of a start state never change."
    ),
    refuse(
        "start_parts_stay",
        "DELETE",
        "start_parts",
        "EXISTS (SELECT 1 FROM start_states WHERE sha256 = OLD.state)",
        "The parts of a start state go with it.",
    ),
    refuse(
        "starts_are_one",
        "INSERT",
        "starts",
        "EXISTS (SELECT 1 FROM starts WHERE trajectory = NEW.trajectory)",
        "A trajectory has one start state.",
    ),
    refuse(
        "starts_are_of_what_may_teach",
        "INSERT",
        "starts",
        "NOT EXISTS (SELECT 1 FROM trajectories\n"
        f"  WHERE id = NEW.trajectory AND {may_teach('trajectories')})\n"
        "  OR NOT EXISTS (SELECT 1 FROM start_states WHERE sha256 = NEW.sha256)",
        "Only a trajectory that may teach keeps what it started from.",
    ),
    refuse("starts_do_not_change", "UPDATE", "starts", None, "What a trajectory started from never changes."),
    refuse(
        "starts_stay",
        "DELETE",
        "starts",
        "EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)",
        "What a trajectory started from goes only with it.",
    ),
    follow(
        "start_states_go_with_the_last",
        "DELETE",
        "starts",
        "DELETE FROM start_states WHERE sha256 = OLD.sha256\n"
        "    AND NOT EXISTS (SELECT 1 FROM starts WHERE sha256 = OLD.sha256)",
    ),
    follow(
        "start_parts_go_with_their_state",
        "DELETE",
        "start_states",
        "DELETE FROM start_parts WHERE state = OLD.sha256",
    ),
    follow(
        "start_blobs_go_with_the_last",
        "DELETE",
        "start_parts",
        "DELETE FROM start_blobs WHERE sha256 = OLD.blob\n"
        "    AND NOT EXISTS (SELECT 1 FROM start_parts WHERE blob = OLD.blob)",
    ),
]

_QUERY = [
    refuse(
        "query_has_a_start",
        "UPDATE OF role",
        "trajectories",
        "NEW.role = 'query' AND OLD.role <> 'query'\n"
        "  AND NOT EXISTS (SELECT 1 FROM starts WHERE trajectory = OLD.id)",
        "A trajectory becomes query only where what it started from was kept.",
    ),
    refuse(
        "query_has_a_share",
        "UPDATE OF role",
        "trajectories",
        "NEW.role = 'query' AND OLD.role <> 'query' AND NEW.held_out IS NULL",
        "A trajectory becomes query only as held out or not.",
    ),
    refuse(
        "shares_are_for_ever",
        "UPDATE OF held_out",
        "trajectories",
        "OLD.held_out IS NOT NULL OR NEW.role <> 'query'",
        "Whether a trajectory is held out is decided once, when it becomes query.",
    ),
    refuse(
        "shares_keep_a_text_together",
        "UPDATE OF held_out",
        "trajectories",
        "EXISTS (SELECT 1 FROM trajectories other\n"
        "  WHERE other.text_sha256 = OLD.text_sha256 AND other.held_out <> NEW.held_out)",
        "Tasks of the same text are all held out, or none of them.",
    ),
    refuse(
        "task_shares_are_new",
        "INSERT",
        "task_shares",
        "EXISTS (SELECT 1 FROM task_shares WHERE sha256 = NEW.sha256)",
        "Where tasks like this one go is decided already.",
    ),
    *frozen("task_shares", "Where tasks go"),
    refuse(
        "drained_are_new",
        "INSERT",
        "drained",
        "EXISTS (SELECT 1 FROM drained JOIN training_runs ON training_runs.number = drained.run\n"
        "  WHERE drained.trajectory = NEW.trajectory\n"
        "    AND (training_runs.state <> 'failed' OR drained.run = NEW.run))",
        "A trajectory is drained again only where the run that had it failed.",
    ),
    refuse(
        "drained_are_trainable",
        "INSERT",
        "drained",
        f"NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory AND {trainable('trajectories')})",
        "Only a query trajectory of the current skill generation that is not held out and has its start is drained.",
    ),
    refuse(
        "drained_by_a_current_run",
        "INSERT",
        "drained",
        f"NOT EXISTS (SELECT 1 FROM training_runs WHERE number = NEW.run AND {LIVE_RUN})",
        "Only a run of the current skill generation that is not over drains.",
    ),
    refuse("drained_do_not_change", "UPDATE", "drained", None, "What a run has drained never changes."),
    refuse(
        "drained_stay",
        "DELETE",
        "drained",
        "EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)",
        "What a run has drained goes only with the trajectory.",
    ),
    follow(
        "drained_are_marked",
        "INSERT",
        "drained",
        "UPDATE trajectories SET drained_at = NEW.at WHERE id = NEW.trajectory AND drained_at IS NULL",
    ),
]

_RUNS = [
    numbered("training_runs", "Training runs"),
    refuse(
        "training_runs_begin",
        "INSERT",
        "training_runs",
        "NEW.state <> 'collecting' OR NEW.steps_done <> 0 OR NEW.prompts <> 0 OR NEW.adapter IS NOT NULL\n"
        f"  OR NEW.skill_generation IS NOT {CURRENT}\n"
        "  OR (NEW.parent IS NOT NULL AND NOT EXISTS (SELECT 1 FROM adapters WHERE version = NEW.parent))",
        "A training run begins by collecting, in the current skill generation, from an adapter that is there or none.",
    ),
    refuse(
        "training_runs_come_one_at_a_time",
        "INSERT",
        "training_runs",
        f"EXISTS (SELECT 1 FROM training_runs WHERE state NOT IN {OVER})",
        "A training run begins when the one before it is over.",
    ),
    refuse(
        "training_runs_are_over_for_ever",
        "UPDATE",
        "training_runs",
        f"OLD.state IN {OVER}",
        "A training run that is over never changes.",
    ),
    refuse(
        "training_runs_keep_what_they_are",
        "UPDATE OF number, skill_generation, base, base_sha256, seed, steps, created_at, parent",
        "training_runs",
        None,
        "What a training run is never changes, only where it stands.",
    ),
    refuse(
        "training_runs_go_forward",
        "UPDATE OF state",
        "training_runs",
        f"OLD.state NOT IN {OVER} AND NEW.state <> OLD.state AND CASE NEW.state\n"
        "  WHEN 'collecting' THEN OLD.state <> 'paused' OR OLD.steps_done > 0 OR OLD.adapter IS NOT NULL\n"
        "  WHEN 'training' THEN OLD.state NOT IN ('collecting', 'paused') OR OLD.adapter IS NOT NULL\n"
        "  WHEN 'gating' THEN OLD.state NOT IN ('training', 'paused')\n"
        "  WHEN 'done' THEN OLD.state <> 'gating' OR NEW.adapter IS NULL ELSE 0 END",
        "A training run collects, trains, gates and is done; it may pause, be abandoned or fail at any time.",
    ),
    refuse(
        "training_runs_make_one_adapter",
        "UPDATE OF adapter",
        "training_runs",
        "NEW.adapter IS NOT OLD.adapter AND (OLD.adapter IS NOT NULL\n"
        "  OR NOT EXISTS (SELECT 1 FROM adapters WHERE version = NEW.adapter))",
        "A training run makes one adapter, which is recorded first.",
    ),
    refuse("training_runs_stay", "DELETE", "training_runs", None, "A training run is never deleted."),
    *(
        refuse(
            f"{event.lower()}ed_training_steps_are_of_a_run",
            event,
            "training_steps",
            f"NOT EXISTS (SELECT 1 FROM training_runs WHERE number = NEW.run AND state NOT IN {OVER})",
            "Steps are reported of a training run that is not over.",
        )
        for event in ("INSERT", "UPDATE")
    ),
    refuse(
        "training_steps_keep_their_place",
        "UPDATE OF run, step",
        "training_steps",
        None,
        "A step that was done again replaces its report, nothing else.",
    ),
    refuse("training_steps_stay", "DELETE", "training_steps", None, "The report of a step is never deleted."),
]

_SERVING = [
    refuse(
        "promoted_adapters_passed_their_gate",
        "UPDATE OF status",
        "adapters",
        "NEW.status = 'promoted' AND OLD.status <> 'promoted' AND 'promote' IS NOT (\n"
        "  SELECT verdict FROM gates WHERE adapter = OLD.version ORDER BY number DESC LIMIT 1)",
        "An adapter is promoted only where its last gate says so.",
    ),
    refuse(
        "adapters_keep_their_reasons",
        "UPDATE OF reason",
        "adapters",
        "OLD.status <> 'candidate' AND NEW.status = OLD.status",
        "The reason of a decision stays as it is.",
    ),
    refuse(
        "adapters_in_training_stay",
        "DELETE",
        "adapters",
        "EXISTS (SELECT 1 FROM training_runs\n"
        f"  WHERE state NOT IN {OVER} AND OLD.version IN (adapter, parent))",
        "An adapter that a training run works on is not deleted.",
    ),
    numbered("gates", "Gates"),
    refuse(
        "gates_are_of_candidates",
        "INSERT",
        "gates",
        "NOT EXISTS (SELECT 1 FROM adapters WHERE version = NEW.adapter AND status = 'candidate')",
        "A gate is of a candidate that is there.",
    ),
    *frozen("gates", "The report of a gate"),
    numbered("serving", "Changes of what serves"),
    refuse(
        "serving_is_promoted_or_forced",
        "INSERT",
        "serving",
        "CASE WHEN NEW.version IS NULL THEN NEW.cause IN ('promote', 'force') ELSE NOT EXISTS (\n"
        "  SELECT 1 FROM adapters WHERE version = NEW.version AND status IN ('promoted', 'forced')\n"
        "    AND (status = 'promoted' OR NEW.cause <> 'promote')) END",
        "Only an adapter that was promoted or forced serves, or the base.",
    ),
    *frozen("serving", "What served"),
    numbered("judge_tests", "Tests of judges"),
    *frozen("judge_tests", "The test of a judge"),
]

TRAINING: list[tuple[str, str]] = [*_STARTS, *_QUERY, *_RUNS, *_SERVING]
