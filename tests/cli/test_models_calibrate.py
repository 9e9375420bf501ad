"""`metaclaw models calibrate` as a user sees it; the attempts are planted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.evaluation.calibration import calibrating
from metaclaw_jlab.evaluation.calibration.calibrating import Standing, Wishes
from metaclaw_jlab.policies.calibration import Calibration, Variant, find, prompting_for
from metaclaw_jlab.runtime.home import open_home

Metaclaw = Callable[..., Any]


@pytest.fixture
def wished(monkeypatch: pytest.MonkeyPatch) -> list[Wishes]:
    """What was wished of a calibration that is done at once; it is not complete where minutes were given."""
    wishes: list[Wishes] = []

    def planted(home: Any, name: str, wish: Wishes, *, say: Any, on_standing: Any) -> Calibration:
        wishes.append(wish)
        on_standing(Standing("form", 3, 600, 1800.0))
        prompting = replace(prompting_for(home, "any"), max_skills=2, threshold=1.0)
        tried = Variant(
            stage="skills",
            name="task-2",
            prompting=prompting,
            temperature=0.0,
            n=wish.n,
            task_right=wish.n // 2,
            strict=1,
            seconds=2.0,
            tokens=300.0,
            chosen=True,
            verdict="better than no-skills: +0.100 ± 0.050",
        )
        return Calibration(
            model=name,
            sha256=None,
            chosen=prompting,
            temperature=0.3,
            variants=(tried, replace(tried, name="system-2", chosen=False, verdict="behind after 16 tasks")),
            splits_sha256="ab" * 32,
            seed=wish.seed,
            date="2026-11-22T01:00:00+00:00",
            version="1",
            complete=wish.minutes is None,
        )

    monkeypatch.setattr(calibrating, "calibrate", planted)
    return wishes


def test_all_variants_are_shown_with_why_they_were_taken_or_left(metaclaw: Metaclaw, wished: Any) -> None:
    out = metaclaw("models", "calibrate", "my-model").out
    assert "taken; better than no-skills" in out
    assert "behind after 16 tasks" in out
    assert "0.50 (0.38 to 0.62)" in out
    assert "at most 2 skills after the task from relevance 1" in out


def test_what_is_complete_is_kept(metaclaw: Metaclaw, wished: Any) -> None:
    told = metaclaw("models", "calibrate", "my-model", "--json").json
    found = find(open_home(), "my-model")
    assert found is not None
    assert told["kept"].endswith("models/my-model/calibration.json")
    assert found.chosen.max_skills == 2


def test_what_was_cut_short_is_not_kept_unless_it_is_asked_for(metaclaw: Metaclaw, wished: Any) -> None:
    out = metaclaw("models", "calibrate", "my-model", "--minutes", "1").out
    assert "with --keep it counts" in out
    assert find(open_home(), "my-model") is None
    metaclaw("models", "calibrate", "my-model", "--minutes", "1", "--keep")
    assert find(open_home(), "my-model") is not None


def test_keeping_can_be_declined(metaclaw: Metaclaw, wished: Any) -> None:
    metaclaw("models", "calibrate", "my-model", "--no-keep")
    assert find(open_home(), "my-model") is None


def test_how_much_is_tried_can_be_said(metaclaw: Metaclaw, wished: list[Wishes]) -> None:
    words = ("--n", "16", "--seed", "7", "--variants", "task-1, system-1", "--minutes", "5")
    metaclaw("models", "calibrate", "my-model", *words)
    assert wished == [Wishes(n=16, seed=7, variants=("task-1", "system-1"), minutes=5.0)]


def test_progress_with_the_time_that_is_left_goes_to_standard_error(metaclaw: Metaclaw, wished: Any) -> None:
    assert (
        "form: 3 of about 600 attempts, about 30 min left" in metaclaw("models", "calibrate", "my-model").err
    )


def test_sigterm_ends_it_as_ctrl_c_does(metaclaw: Metaclaw, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(calibrating, "calibrate", killed)
    assert metaclaw("models", "calibrate", "my-model").code == 130
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_better_temperature_is_advised(metaclaw: Metaclaw, wished: Any) -> None:
    assert "policy.temperature 0.3" in metaclaw("models", "calibrate", "my-model").out


@pytest.mark.parametrize("words", [("--n", "3"), ("--minutes", "0"), ("--variants", "loud")])
def test_what_decides_nothing_is_a_usage_error(metaclaw: Metaclaw, words: tuple[str, ...]) -> None:
    assert metaclaw("models", "calibrate", EMBEDDED_MODEL, *words).code == 2


def test_a_model_that_is_not_here_has_to_be_fetched_first(metaclaw: Metaclaw) -> None:
    ran = metaclaw("models", "calibrate", "smollm2-135m")
    assert ran.code == 1
    assert "metaclaw models get smollm2-135m" in ran.err
