"""What a task may be used for, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.trajectory import Purpose, Role, StopReason, Trajectory
from metaclaw_jlab.inspection import roles
from metaclaw_jlab.inspection.aftermath import aftermath
from metaclaw_jlab.inspection.roles import role_in_words
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.support import Decision, Support
from metaclaw_jlab.store.training import Training
from tests.inspection.learning_samples import RULE, asked, failed


def done(workspace: Workspace, trajectory: Trajectory, *, share: float = 0.0) -> Trajectory:
    """Record it with a start, and admit it where it may be."""
    workspace.trajectories().record(trajectory)
    StartStates(workspace.database()).keep(trajectory.id, StartState())
    Query(workspace.database(), held_out_share=share).admit(trajectory.id)
    return workspace.trajectories().get(trajectory.id)


def told(workspace: Workspace, id: str) -> str:  # noqa: A002
    trajectory = workspace.trajectories().get(id)
    return role_in_words(trajectory, aftermath(workspace, trajectory).role_reason)


def unchecked() -> Trajectory:
    trajectory = asked("x", checks=())
    return replace(trajectory, task=replace(trajectory.task, checks=()))


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_words(role: Role) -> None:
    assert role.value in role_in_words(asked("x", role=role), "")


def test_a_task_with_learning_off_says_so() -> None:
    assert "learning was off" in role_in_words(asked("x", learn=False), "")


def test_a_reason_that_was_stored_is_told(workspace: Workspace) -> None:
    workspace.trajectories().record(asked("x"))
    workspace.trajectories().set_role_reason("x", "What it started from was not kept: df is 120 MB.")
    assert told(workspace, "x").endswith("(What it started from was not kept: df is 120 MB.)")


def test_a_task_whose_start_nobody_kept_says_so(workspace: Workspace) -> None:
    workspace.trajectories().record(asked("x"))
    assert roles.NOT_KEPT in told(workspace, "x")


def test_a_failure_with_a_start_waits_to_be_learnt_from(workspace: Workspace) -> None:
    workspace.trajectories().record(failed("bad"))
    StartStates(workspace.database()).keep("bad", StartState())
    assert roles.PENDING in told(workspace, "bad")


def test_what_was_stopped_says_why_it_is_neither(workspace: Workspace) -> None:
    workspace.trajectories().record(asked("x", stop=StopReason.CANCELLED))
    StartStates(workspace.database()).keep("x", StartState())
    assert "was stopped" in told(workspace, "x")


def test_a_measurement_is_neither(workspace: Workspace) -> None:
    workspace.trajectories().record(asked("x", purpose=Purpose.GATE))
    assert roles.MEASURES in told(workspace, "x")


def test_what_was_settled_and_not_admitted_yet_will_be(workspace: Workspace) -> None:
    workspace.trajectories().record(failed("bad"))
    StartStates(workspace.database()).keep("bad", StartState())
    Support(workspace.database()).settle("bad", Decision.EXPLAINED, "A skill says it.")
    assert roles.NOT_LOOKED_AT in told(workspace, "bad")


def test_a_query_task_with_checks_needs_no_more_words(workspace: Workspace) -> None:
    done(workspace, asked("x"))
    assert told(workspace, "x") == roles.ROLES[Role.QUERY]


def test_a_query_task_without_checks_waits_for_a_judge(workspace: Workspace) -> None:
    done(workspace, unchecked())
    assert roles.UNCHECKED in told(workspace, "x")


def test_a_held_out_task_says_so(workspace: Workspace) -> None:
    done(workspace, asked("x"), share=1.0)
    assert roles.HELD_OUT in told(workspace, "x")


def test_a_query_task_of_an_older_generation_says_so(workspace: Workspace) -> None:
    done(workspace, asked("x"))
    Skills(workspace.database()).commit_generation(Cause.USER, [RULE])
    assert "generation 0 and 1 is current" in told(workspace, "x")


def test_a_task_that_was_trained_on_names_the_run(workspace: Workspace) -> None:
    done(workspace, asked("x"))
    run = Training(workspace.database()).begin(
        skill_generation=0, base="base", base_sha256="0" * 64, seed=0, steps=1
    )
    Query(workspace.database()).drain(["x"], run.number)
    assert f"training run {run.number} took it" in told(workspace, "x")
