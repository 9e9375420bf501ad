"""Several seeds: kept as they are done, not measured twice, in processes of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.errors import TaskFailed, UsageMistake
from metaclaw_jlab.evaluation.learning_seed import SeedPlan
from metaclaw_jlab.evaluation.learning_seeds import measure_seeds, report_file
from tests.loopback.server import ScriptedServer

PLAN = SeedPlan(tasks=2, stream=2, validation=2, contradicting=4)
Say = Callable[[str], None]


def report(plan: SeedPlan, seed: int, _: Say) -> dict[str, Any]:
    return {
        "seed": seed,
        "difference": {"difference": seed / 10, "ci95": [0.01, 0.9]},
        "contradiction": {"single": {"ratio": 1.0}, "kept": True},
        "training": {"served": 1},
    }


def silent(_: str) -> None:
    pass


def test_every_seed_leaves_a_report_and_all_are_summed_up(tmp_path: Path) -> None:
    found = measure_seeds(PLAN, [1, 3], tmp_path / "out", say=silent, measure_one=report)
    assert [seed["seed"] for seed in found["seeds"]] == [1, 3]
    assert found["mean_difference"] == pytest.approx(0.2)
    assert json.loads(report_file(tmp_path / "out", 3).read_text())["difference"]["difference"] == 0.3


def test_a_seed_that_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    asked: list[int] = []
    said: list[str] = []

    def counted(plan: SeedPlan, seed: int, say: Say) -> dict[str, Any]:
        asked.append(seed)
        return report(plan, seed, say)

    for seeds in ([1], [1, 2], [2, 1]):
        measure_seeds(PLAN, seeds, tmp_path, say=said.append, measure_one=counted)
    assert asked == [1, 2]
    assert f"seed 1 was measured before: {report_file(tmp_path, 1)}" in said


def test_a_seed_that_failed_is_measured_by_the_next_call(tmp_path: Path) -> None:
    def failing(plan: SeedPlan, seed: int, say: Say) -> dict[str, Any]:
        if seed == 2:
            raise TaskFailed("No.", "Try again.")
        return report(plan, seed, say)

    with pytest.raises(TaskFailed):
        measure_seeds(PLAN, [1, 2], tmp_path, say=silent, measure_one=failing)
    assert report_file(tmp_path, 1).is_file()
    assert len(measure_seeds(PLAN, [1, 2], tmp_path, say=silent, measure_one=report)["seeds"]) == 2


def test_a_report_of_another_plan_is_not_taken_for_this_one(tmp_path: Path) -> None:
    measure_seeds(PLAN, [1], tmp_path, say=silent, measure_one=report)
    with pytest.raises(UsageMistake, match="another plan"):
        measure_seeds(SeedPlan(tasks=3), [1], tmp_path, say=silent, measure_one=report)


def test_seeds_side_by_side_have_processes_and_logs_of_their_own(
    tmp_path: Path, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_server.always("```python\nprint(1)\n```\nDone.")
    monkeypatch.setenv("METACLAW_POLICY_BASE_URL", scripted_server.base_url)
    monkeypatch.setenv("METACLAW_EVOLVER_KIND", "distiller")
    found = measure_seeds(PLAN, [1, 2], tmp_path, parallel=2, say=silent)
    one, two = found["seeds"]
    assert one["house"] != two["house"]
    assert one["arms"]["full"]["n"] == 2
    assert one["training"] is None
    assert "not trained here" in (tmp_path / "seed-1.log").read_text()
