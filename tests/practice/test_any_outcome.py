"""Whatever a program leaves behind, a check answers."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from metaclaw_jlab.practice import Outcome, PracticeTask, check, task_set


@cache
def tasks() -> tuple[PracticeTask, ...]:
    return task_set("test", 77, 40)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 39), st.data())
def test_no_outcome_makes_a_check_raise(number: int, data: st.DataObject) -> None:
    task = tasks()[number]
    content = st.binary(max_size=40) | st.sampled_from(
        [text.encode() for text in task.files.values()] or [b""]
    )
    files = data.draw(
        st.dictionaries(st.sampled_from([*task.files, "out/a.csv", "b.json"]), content, max_size=4)
    )
    printed = data.draw(
        st.text(max_size=60) | st.sampled_from(["{1: 2}\n", "x 1e999\n", "[" * 3000, "9" * 3000])
    )
    probes = {str(index): data.draw(values) for index in range(len(task.parts))}
    verdict = check(task, Outcome(None, printed, files, probes))
    assert verdict.strict is (verdict.task_right and not verdict.broken)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 39), st.lists(st.sampled_from(["a 1", "2024-01-02", "DONE", "{'a': 1}", "x"]), max_size=30)
)
def test_a_wrong_task_breaks_no_rule(number: int, lines: list[str]) -> None:
    task = tasks()[number]
    files = {path: text.encode() for path, text in task.files.items()}
    verdict = check(task, Outcome(None, "\n".join(lines), files, {}))
    assert verdict.task_right or (not verdict.broken and verdict.feedback)
