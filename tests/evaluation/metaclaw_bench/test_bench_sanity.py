"""What knows the rounds answers the round that is asked, whatever else the user has said."""

import json
from dataclasses import replace

import pytest

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import run_day
from metaclaw_jlab.evaluation.metaclaw_bench.format import Change, Update
from metaclaw_jlab.evaluation.metaclaw_bench.loader import load_benchmark
from metaclaw_jlab.evaluation.metaclaw_bench.sanity import answers
from tests.evaluation.metaclaw_bench.small_bench import choice, write_bench, write_json


@pytest.fixture
def choices(tmp_path):
    """A day of two rounds with different answers."""
    root = write_bench(tmp_path / "bench", {"day01": [choice("r1", ("B",)), choice("r2", ("A", "C"))]})
    return load_benchmark(root)


def score(benchmark, day):
    result = run_day(day, answers(day), benchmark.workspaces, Scorer(None, {}))
    return [round_.score for round_ in result.rounds]


def test_answers_are_known_in_each_group_of_a_day(tmp_path):
    root = write_bench(tmp_path / "bench", {"day01": [choice("r1", ("B",))]})
    second = {"id": "second", "desc": "", "rounds": [choice("r1", ("A", "C"))]}
    path = root / "eval" / "day01" / "questions.json"
    write_json(path, [json.loads(path.read_text()), second])
    benchmark = load_benchmark(root)
    assert score(benchmark, benchmark.days[0]) == [1.0, 1.0]


def test_answers_are_known_after_what_was_said_meanwhile(choices):
    day = choices.days[0]
    said = Update(Change.APPEND, None, said=(Message("user", "By the way."), Message("assistant", "Yes?")))
    heard = replace(day.rounds[1], updates=(said,))
    assert score(choices, replace(day, rounds=(day.rounds[0], heard))) == [1.0, 1.0]
