"""Attempts of adapters for a gate: by every arm on every prompt, each once, whatever interrupts the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.training import PromptKind
from metaclaw_jlab.runtime.trials import (
    Attempt,
    Suite,
    TrialPlan,
    key_of,
    outcomes_file,
    read_attempts,
    suite_file,
    write_plan,
)
from metaclaw_jlab.store.prompts import write_prompts
from tests.engines.toy_training import Mischief, Toy, prepared, prompt, run_to_end, save_model

TRIALS = ("--job", "trials", "--resume")
ARMS = {"candidate": "adapter", "serving": None, "base": None}
SUITES = (
    Suite("held_out", ("candidate", "serving"), (0.0, 0.8), repeats=2),
    Suite("regression", ("candidate", "serving", "base"), (0.0,)),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A home with a trained adapter."""
    folder = tmp_path_factory.mktemp("trained")
    toy = prepared(folder / "home", save_model(folder / "model"))
    assert run_to_end(toy)[-1]["ending"] == "done"
    return toy


def ask(toy: Toy, trained: Toy, **changes: object) -> TrialPlan:
    arms = {name: str(trained.folder.adapter) if adapter else None for name, adapter in ARMS.items()}
    model = str(trained.home.path.parent / "model")
    plan = TrialPlan(model, arms, SUITES, seed=3, max_tokens=8, max_steps=2, kl_completions=4)
    plan = replace(plan, **changes)  # type: ignore[arg-type]
    for number, suite in enumerate(plan.suites):
        first = 10 * number
        write_prompts(
            suite_file(toy.folder, suite.name),
            [prompt(n, PromptKind.REPLAY, f"p{n}") for n in range(first, first + 6)],
        )
    write_plan(toy.folder, plan)
    return plan


@pytest.fixture
def toy(tmp_path: Path, trained: Toy) -> Toy:
    return prepared(tmp_path / "home", str(trained.home.path.parent / "model"))


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory, trained: Toy) -> Sequence[Attempt]:
    """The attempts of an undisturbed worker."""
    toy = prepared(tmp_path_factory.mktemp("whole") / "home", str(trained.home.path.parent / "model"))
    ask(toy, trained)
    events = run_to_end(toy, *TRIALS)
    assert events[-1]["ending"] == "done", events[-1]
    last = [event for event in events if event["event"] == "trials"][-1]
    assert last["done"] == last["total"]
    return read_attempts(toy.folder)


def test_every_arm_attempts_every_prompt(attempts: Sequence[Attempt]) -> None:
    found = {(a.suite, a.arm, a.temperature, a.repeat): 0 for a in attempts}
    for a in attempts:
        found[a.suite, a.arm, a.temperature, a.repeat] += 1
    assert found == {
        (suite, arm, temperature, repeat): 6
        for suite, arms, temperatures in (
            ("held_out", ("candidate", "serving"), ((0.0, 0), (0.8, 0), (0.8, 1))),
            ("regression", ("candidate", "serving", "base"), ((0.0, 0),)),
        )
        for arm in arms
        for temperature, repeat in temperatures
    }


def test_scores_are_shares_and_some_are_above_nothing(attempts: Sequence[Attempt]) -> None:
    scores = {round(3 * attempt.score, 9) for attempt in attempts if attempt.score is not None}
    assert scores <= {0, 1, 2, 3}
    assert len(scores) > 1
    assert all(attempt.strict == (attempt.score == 1.0) for attempt in attempts)


def test_arms_with_one_adapter_share_their_attempts(attempts: Sequence[Attempt]) -> None:
    of_base = [replace(a, arm="") for a in attempts if a.arm == "base"]
    assert of_base == [replace(a, arm="") for a in attempts if a.suite == "regression" and a.arm == "serving"]


def test_the_divergence_of_some_is_told_and_that_of_the_base_never(attempts: Sequence[Attempt]) -> None:
    told = [attempt for attempt in attempts if attempt.kl is not None]
    assert {attempt.arm for attempt in told} == {"candidate"}
    assert {(a.suite, a.temperature) for a in told} == {
        ("held_out", 0.0),
        ("held_out", 0.8),
        ("regression", 0.0),
    }
    assert all(attempt.kl is not None and attempt.kl > 0 for attempt in told)


def test_a_worker_that_was_stopped_is_taken_up_where_it_was(
    toy: Toy, trained: Toy, attempts: Sequence[Attempt]
) -> None:
    plan = ask(toy, trained)
    events = run_to_end(toy, *TRIALS, mischief=Mischief(at_look=100))
    assert events[-1]["ending"] == "stopped"
    path = outcomes_file(toy.folder, plan)
    before = path.read_text() + '{"suite": "held_'
    assert before.count("\n") < len(attempts) - 6
    path.write_text(before)
    events = run_to_end(toy, *TRIALS)
    assert events[-1]["ending"] == "done"
    assert path.read_text().startswith(before)
    assert next(event["done"] for event in events if event["event"] == "trials") == before.count("\n")
    assert [replace(a, kl=None) for a in read_attempts(toy.folder)] == [replace(a, kl=None) for a in attempts]
    divergences = [a.kl or 0.0 for a in attempts]
    assert [a.kl or 0.0 for a in read_attempts(toy.folder)] == pytest.approx(divergences, rel=1e-3)


def test_another_plan_begins_anew(toy: Toy, trained: Toy, attempts: Sequence[Attempt]) -> None:
    small = (Suite("held_out", ("candidate",), (0.0,)),)
    first = outcomes_file(toy.folder, ask(toy, trained, suites=small))
    second = outcomes_file(toy.folder, ask(toy, trained, suites=small, seed=4))
    assert first != second


def test_a_corrupt_adapter_ends_it_with_a_sentence(toy: Toy, trained: Toy, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    for path in trained.folder.adapter.iterdir():
        (tmp_path / "broken" / path.name).write_bytes(path.read_bytes()[:-100])
    ask(toy, trained, arms={"candidate": str(tmp_path / "broken"), "serving": None, "base": None})
    events = run_to_end(toy, *TRIALS)
    assert events[-1]["ending"] == "failed"
    assert "broken" in events[-1]["reason"]


def test_a_room_that_does_not_open_leaves_the_attempt_unscored(toy: Toy, trained: Toy) -> None:
    ask(toy, trained, suites=(Suite("held_out", ("serving",), (0.0,)),))
    assert run_to_end(toy, *TRIALS, mischief=Mischief(rooms_fail=True))[-1]["ending"] == "done"
    found = read_attempts(toy.folder)
    assert {attempt.score for attempt in found} == {None}
    assert {attempt.reason for attempt in found} == {"There is no room. Wait."}
    assert len({key_of(attempt) for attempt in found}) == 6


def test_a_task_ends_as_it_does_where_the_policy_serves(
    toy: Toy, trained: Toy, attempts: Sequence[Attempt]
) -> None:
    """In a toy room only a reply that was cut off fails: any other ends its task where code that has run does."""
    ask(toy, trained, prompting={"ends": "ran"})
    assert run_to_end(toy, *TRIALS)[-1]["ending"] == "done"
    found = read_attempts(toy.folder)
    assert len(found) == len(attempts)
    assert sum(attempt.steps for attempt in found) < sum(attempt.steps for attempt in attempts)
