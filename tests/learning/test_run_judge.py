"""What a run does with a judge: try it, have it score recorded steps, and leave out what nothing can score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.errors import SecretError
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.training import TrainingPrompt, TrainingRun
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.engines.judging import open_judge
from metaclaw_jlab.learning.judging import (
    Chosen,
    JudgeUse,
    choose,
    recorded_samples,
    score_trajectories,
    score_trajectory,
)
from metaclaw_jlab.learning.query_set import query_prompts
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.store.judging import Judging
from metaclaw_jlab.store.start_states import StartStates
from tests.learning.homes import Ground, passed
from tests.learning.trained import begun
from tests.reward_models.ballots import JudgeServer, element, honest, step
from tests.store.samples import START

TEXT = "Draw the tree."


def fair(shown: str) -> int:
    """Honest about tasks with known answers; of others it likes what draws a tree."""
    if element("task", shown) == TEXT:
        return 1 if "tree" in element("code", shown.rpartition("<step>")[2]) else -1
    return -1 if "semicolon" in shown or "dear" in element("task", shown) else honest(shown)


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    opened = JudgeServer(fair)
    yield opened
    opened.close()


@pytest.fixture
def use(home_ground: Ground, server: JudgeServer) -> Callable[..., JudgeUse]:
    def make(*, trains: bool = True, **changes: object) -> JudgeUse:
        settings = JudgeSettings(base_url=server.base_url, model="judge", votes=1, **changes)
        return JudgeUse(
            database=home_ground.database,
            settings=settings,
            trains=trains,
            open=lambda: open_judge(settings, "policy"),
            secret_names=("JUDGE_KEY",),
        )

    return make


def drew(*codes: str, skills: tuple[str, ...] = ()) -> Trajectory:
    """A task without checks."""
    task = Task(TEXT)
    steps = tuple(
        replace(step(code, "", index), messages=opening(task, skills)) for index, code in enumerate(codes)
    )
    return replace(passed(), task=task, steps=steps, stop=StopReason.DONE, checks=(), score=None)


@pytest.fixture
def run(home_ground: Ground) -> TrainingRun:
    return begun(home_ground.database)


@pytest.fixture
def prompts(home_ground: Ground, run: TrainingRun) -> tuple[TrainingPrompt, ...]:
    """Those of a task with checks, and of one without."""
    ids = home_ground.record(passed(), drew("sky = 1", "tree = 1"))
    for id_ in ids:
        StartStates(home_ground.database).keep(id_, START)
    return query_prompts(home_ground.database, ids)


def checked(chosen: Chosen) -> list[bool]:
    return [prompt.checked for prompt in chosen.prompts]


def judged(ground: Ground, prompt: TrainingPrompt) -> list[list[float]]:
    steps = ground.trajectories.get(prompt.id).steps
    return [
        [s.value for s in step.scores if isinstance(s, Score) and s.source is ScoreSource.JUDGE]
        for step in steps
    ]


@pytest.mark.parametrize("there", [True, False])
def test_where_judged_rewards_are_off_tasks_without_checks_are_left_out_and_counted(
    use: Callable[..., JudgeUse], run: TrainingRun, prompts: tuple[TrainingPrompt, ...], there: bool
) -> None:
    chosen = choose(use(trains=False) if there else None, run, prompts)
    assert checked(chosen) == [True]
    assert chosen.judge is None
    assert chosen.note == "1 task without checks is left out. Judged rewards are off (training.judged)."


def test_a_judge_that_passed_its_trial_decides_on_tasks_without_checks(
    use: Callable[..., JudgeUse],
    run: TrainingRun,
    prompts: tuple[TrainingPrompt, ...],
    home_ground: Ground,
    server: JudgeServer,
) -> None:
    said: list[str] = []
    chosen = choose(use(), run, prompts, said.append)
    assert checked(chosen) == [True, False, False]
    assert chosen.judge is not None
    assert chosen.judge["max_calls"] == 400 - len(server.chats)
    assert chosen.judge["secret_names"] == ["JUDGE_KEY"]
    assert said[-1] == chosen.note == "1 task without checks is trained on the votes of judge."
    latest = Judging(home_ground.database).latest("judge")
    assert latest is not None
    assert latest.usable


def test_a_judge_that_pays_for_claims_is_not_used_and_the_reason_is_kept(
    use: Callable[..., JudgeUse],
    run: TrainingRun,
    prompts: tuple[TrainingPrompt, ...],
    home_ground: Ground,
    server: JudgeServer,
) -> None:
    server.opinion = lambda shown: 1 if "# verified" in shown else fair(shown)
    chosen = choose(use(), run, prompts)
    assert checked(chosen) == [True]
    assert chosen.judge is None
    assert "success claimed in a comment" in chosen.note
    latest = Judging(home_ground.database).latest("judge")
    assert latest is not None
    assert not latest.usable
    assert latest.reason in chosen.note
    assert judged(home_ground, prompts[1]) == [[], []]


def test_a_judge_that_cannot_be_opened_is_not_used_and_the_reason_is_kept(
    use: Callable[..., JudgeUse],
    run: TrainingRun,
    prompts: tuple[TrainingPrompt, ...],
    home_ground: Ground,
) -> None:
    def locked() -> Judge:
        raise SecretError("The environment variable JUDGE_KEY is not set.", "Set it.")

    chosen = choose(replace(use(), open=locked), run, prompts)
    assert checked(chosen) == [True]
    assert "JUDGE_KEY is not set" in chosen.note
    latest = Judging(home_ground.database).latest("judge")
    assert latest is not None
    assert "JUDGE_KEY is not set" in latest.reason


def test_recorded_steps_get_their_scores_the_last_one_too_whatever_trains(
    use: Callable[..., JudgeUse],
    run: TrainingRun,
    prompts: tuple[TrainingPrompt, ...],
    home_ground: Ground,
    server: JudgeServer,
) -> None:
    choose(use(trains=False), run, prompts)
    assert judged(home_ground, prompts[0]) == [[-1.0]]
    assert judged(home_ground, prompts[1]) == [[-1.0], [1.0]]
    asked = len(server.chats)
    assert score_trajectory(home_ground.database, _opened(use()), prompts[1].id) == 0
    assert len(server.chats) == asked


def test_what_is_to_be_kept_of_the_budget_is_kept(
    use: Callable[..., JudgeUse], home_ground: Ground, server: JudgeServer
) -> None:
    ids = home_ground.record(*(drew("tree = 1") for _ in range(6)))
    assert score_trajectories(home_ground.database, _opened(use(max_calls=10)), ids, keep=6) == 4
    assert len(server.chats) == 4


def test_the_judge_sees_the_rules_that_a_step_was_under(
    use: Callable[..., JudgeUse], home_ground: Ground, server: JudgeServer
) -> None:
    (id_,) = home_ground.record(drew("tree = 1", skills=("Plant it.",)))
    score_trajectory(home_ground.database, _opened(use()), id_)
    assert "<rule>\nPlant it.\n</rule>" in server.chats[0].messages[-1]["content"]


def test_a_judge_is_not_tried_on_what_must_not_teach(home_ground: Ground) -> None:
    home_ground.record(passed(), passed(learn=False))
    assert len(list(recorded_samples(home_ground.database))) == 1


def _opened(use: JudgeUse) -> Judge:
    judge = use.open()
    assert judge is not None
    return judge
