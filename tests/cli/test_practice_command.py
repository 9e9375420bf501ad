"""`metaclaw practice`: tasks to look at, the hash of the splits, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.cli import practice
from metaclaw_jlab.practice import from_dict, solution, splits_sha256, task_set

Metaclaw = Callable[..., Any]


def test_a_sample_is_the_tasks_of_its_seed_with_solutions(metaclaw: Metaclaw) -> None:
    ran = metaclaw("practice", "sample", "--n", 3, "--seed", 4, "--split", "validation", "--json")
    found = json.loads(ran.out)["tasks"]
    assert [from_dict(task) for task in found] == list(task_set("validation", 4, 3))
    assert found[0]["solution"] == list(solution(from_dict(found[0]), found[0]["options"]))


def test_a_sample_tells_people_each_rule(metaclaw: Metaclaw) -> None:
    out = metaclaw("practice", "sample", "--n", 4).out
    for task in task_set("test", 0, 4):
        assert task.text in out
        assert all(f"{rule}: " in out for rule in task.rules)


def test_splits_prints_the_hash(metaclaw: Metaclaw) -> None:
    assert metaclaw("practice", "splits").out.startswith(splits_sha256())


@pytest.mark.parametrize(
    "words",
    [
        ("sample", "--n", 0),
        ("sample", "--split", "none"),
        ("build", "--minutes", 0),
        ("learning", "--seeds", "one"),
        ("learning", "--n", 1),
        ("learning", "--parallel", 0),
        ("evolvers",),
        ("evolvers", "--model", "m", "--trials", 0),
        ("evolvers", "--model", "m", "--split", "test"),
        (),
    ],
)
def test_what_cannot_be_is_a_usage_error(metaclaw: Metaclaw, words: tuple[object, ...]) -> None:
    assert metaclaw("practice", *words).code == 2


def test_a_folder_without_a_model_is_named(metaclaw: Metaclaw, tmp_path: Path) -> None:
    ran = metaclaw("practice", "evaluate", "--model", tmp_path)
    assert ran.code == 2
    assert str(tmp_path) in ran.err


def test_an_evaluation_is_a_table_for_people() -> None:
    shares = {"n": 2, "strict": 0.5, "task_right": 1.0}
    found = {"without_skill": {**shares, "compounds": {"n": 0}}}
    text = practice.render({"split": "test", "seed": 1, "splits_sha256": "ab" * 32, "greedy": found})
    assert text.splitlines()[1].split() == ["greedy", "without_skill", "2", "0.500", "1.000", "-"]


def test_seeds_are_a_table_for_people() -> None:
    one = {
        "seed": 3,
        "arms": {"skills": {"strict": 0.5}, "full": {"strict": 0.75}},
        "temperature": {"skills": 0.3},
        "difference": {"difference": 0.25, "ci95": [0.2, 0.3]},
        "training": {"served": 1},
        "contradiction": {"all": {"ratio": 0.98}},
    }
    other = {**one, "seed": 4, "training": None, "difference": {"difference": 0.0, "ci95": [0.0, 0.0]}}
    worst = {"seed": 4, "difference": 0.0}
    report = {"mean_difference": 0.125, "n": 2, "worst": worst, "seeds": [one, other]}
    lines = practice.render(report).splitlines()
    assert lines[1].split() == [
        "3",
        "0.500",
        "0.3",
        "0.750",
        "+0.250",
        "+0.200",
        "to",
        "+0.300",
        "v1",
        "0.98",
    ]
    assert lines[2].split()[-2] == "base"
    assert lines[3].endswith("by +0.125 on average over 2 seeds; the worst is seed 4 with +0.000")


def test_an_embedder_is_made_where_it_is_asked_for(metaclaw: Metaclaw, tmp_path: Path) -> None:
    ran = metaclaw("practice", "embedder", "--output", tmp_path / "e.npz", "--steps", 1, "--json")
    made = json.loads(ran.out)
    assert (made["steps"], made["bytes"]) == (1, (tmp_path / "e.npz").stat().st_size)


def test_an_embedder_of_no_steps_is_refused(metaclaw: Metaclaw) -> None:
    assert metaclaw("practice", "embedder", "--steps", 0).code == 2
