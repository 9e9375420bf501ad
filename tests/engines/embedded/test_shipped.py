"""The model in the package: small enough, what its card says, and able to obey a skill."""

from __future__ import annotations

import json

import pytest

from metaclaw_jlab.engines.embedded import location
from metaclaw_jlab.engines.embedded.evaluate import attempt_all, shares, skills_for
from metaclaw_jlab.engines.embedded.generation import Generator, load
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import splits_sha256, task_set


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load(location())


def test_it_is_small(generator: Generator) -> None:
    assert (location() / "model.safetensors").stat().st_size <= 6_000_000
    assert 900_000 < sum(value.numel() for value in generator.model.parameters()) < 1_500_000


def test_it_was_made_from_the_splits_of_this_package() -> None:
    record = json.loads((location() / "build.json").read_text())
    assert record["splits_sha256"] == splits_sha256()
    assert splits_sha256() in (location().parent / "card.md").read_text()


def test_it_obeys_a_skill_that_it_breaks_without(generator: Generator) -> None:
    tasks = [task for task in task_set("validation", 1, 40, compound_share=0.0) if len(task.rules) == 1][:12]
    with SandboxPool(1) as pool:
        told, untold = (
            shares(
                attempt_all(generator, pool, tasks, [skills_for(task, condition, 1) for task in tasks], 0.0)
            )
            for condition in ("with_skill_and_two_distractors", "without_skill")
        )
    assert told["strict"] >= 0.7
    assert untold["strict"] <= 0.4
    assert untold["task_right"] >= 0.7
