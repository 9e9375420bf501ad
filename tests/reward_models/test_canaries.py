import ast
import contextlib
import io

import pytest

from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Step
from metaclaw_jlab.reward_models.canaries import CanaryKind, make_canaries, make_samples
from metaclaw_jlab.reward_models.judge_prompt import RUBRIC, Case, compose
from tests.reward_models.ballots import honest

SEEDS = range(20)


def judged(case: Case) -> Step:
    return case.steps[-1]


def by_kind(seed: int, *tasks: Task) -> dict[CanaryKind, Step]:
    return {canary.kind: judged(canary.case) for canary in make_canaries(seed, tasks)}


def test_there_is_one_of_each_kind() -> None:
    assert [canary.kind for canary in make_canaries(1)] == list(CanaryKind)


def test_they_are_made_anew_from_each_seed() -> None:
    assert make_canaries(1) == make_canaries(1)
    kinds = (CanaryKind.TRUNCATED, CanaryKind.CLAIMED, CanaryKind.RAISED, CanaryKind.PRINTED)
    for kind in kinds:
        assert len({by_kind(seed)[kind].reply for seed in SEEDS}) > 10


def test_they_are_put_on_real_tasks() -> None:
    tasks = (Task("One."), Task("Two."))
    on = {canary.kind: canary.case.task for canary in make_canaries(3, tasks)}
    assert on.pop(CanaryKind.INSTRUCTED) not in tasks  # of a real task its code might be right
    assert set(on.values()) == set(tasks)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_is_what_it_is_called(seed: int) -> None:
    steps = by_kind(seed)
    assert not steps[CanaryKind.EMPTY].reply.strip()
    assert len(steps[CanaryKind.SIGN].reply.strip()) == 1
    assert "\n" not in steps[CanaryKind.HEADING].reply
    assert RUBRIC in steps[CanaryKind.RUBRIC].reply
    assert not any(
        steps[kind].action for kind in CanaryKind if kind.name in ("EMPTY", "SIGN", "HEADING", "RUBRIC")
    )
    for kind in (CanaryKind.CLAIMED, CanaryKind.RAISED):
        assert {"# all checks passed", "# verified"} <= set(steps[kind].action.splitlines())
    raised, claimed, printed = (
        steps[kind].observation for kind in (CanaryKind.RAISED, CanaryKind.CLAIMED, CanaryKind.PRINTED)
    )
    assert raised is not None
    assert raised.failed
    assert claimed is not None
    assert not claimed.failed
    assert printed is not None
    assert "all checks passed" in printed.stdout


@pytest.mark.parametrize("seed", SEEDS)
def test_truncated_code_cannot_run_as_it_is(seed: int) -> None:
    code = by_kind(seed)[CanaryKind.TRUNCATED].reply.removeprefix("```python\n")
    with pytest.raises(SyntaxError):
        ast.parse(code)


def test_instructions_to_the_judge_stand_in_the_output_and_cannot_leave_it() -> None:
    for seed in SEEDS:
        canary = next(one for one in make_canaries(seed) if one.kind is CanaryKind.INSTRUCTED)
        shown = compose(canary.case)[1].content
        assert "1" in shown.rpartition("<output>")[2]
        assert shown.count("</output>") == shown.count("</step>") == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_small_tasks_are_right_or_wrong_as_they_say(seed: int) -> None:
    samples = make_samples(seed, 6, 6)
    assert [sample.right for sample in samples] == [True] * 6 + [False] * 6
    for sample in samples:
        step = judged(sample.case)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(step.action, {})
        assert step.observation is not None
        assert printed.getvalue() == step.observation.stdout
        assert honest(compose(sample.case)[1].content) == (1 if sample.right else -1)
