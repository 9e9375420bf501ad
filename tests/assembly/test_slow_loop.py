"""The slow loop of a home: what the configuration asks for, and what is refused before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.agent.prompt import opening, skills_told, system_message
from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.slow_loop import (
    EMBEDDED_LR,
    GENERAL_EVERY,
    MOST_TOKENS,
    OTHER_LR,
    OTHER_REGRESSION,
    OTHER_STEPS,
    make_outer_loop,
    regression_prompts,
    replay_prompts,
    trainable_base,
)
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import TrainingError
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING
from metaclaw_jlab.core.training import PromptKind, RunState, TrainingPrompt, TrainingRun
from metaclaw_jlab.engines.grpo import GrpoPlan
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning.outer_loop import OuterLoop, train_once
from metaclaw_jlab.practice.general_tasks import GeneralSet, general_tasks
from metaclaw_jlab.store.training import Training
from tests.learning.homes import Ground
from tests.learning.slow_homes import Slow

RUN = TrainingRun(3, 0, EMBEDDED_MODEL, "b" * 64, 7, 12, RunState.COLLECTING, "", 0.0, 0.0)


@pytest.fixture
def workspace_with(tmp_path: Path) -> Iterator[Callable[..., Workspace]]:
    opened: list[Workspace] = []

    def make(**changes: object) -> Workspace:
        opened.append(open_workspace(tmp_path / "home", changes))
        return opened[-1]

    yield make
    for workspace in opened:
        workspace.close()


@pytest.fixture
def small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sandboxes that import nothing beforehand."""

    def pool(workspace: Workspace, _: int) -> SandboxPool:
        return SandboxPool(1, isolation=workspace.settings().sandbox.isolation, preload=())

    monkeypatch.setattr(Workspace, "sandbox_pool", pool)


def made(workspace: Workspace, **changes: Any) -> OuterLoop:
    return make_outer_loop(workspace, on_progress=lambda _: None, **changes)


def test_a_policy_of_elsewhere_is_not_trained(workspace_with: Callable[..., Workspace]) -> None:
    workspace = workspace_with(**{"policy.base_url": "http://127.0.0.1:9/v1", "policy.model": "m"})
    with pytest.raises(TrainingError, match="weights are not trained here"):
        made(workspace)
    with pytest.raises(TrainingError):
        trainable_base(workspace.settings())


@pytest.mark.parametrize("model", ["qwen2.5-coder-1.5b", "Qwen2.5-Coder-7B", "/models/own.gguf"])
def test_a_model_that_only_answers_is_not_trained(
    workspace_with: Callable[..., Workspace], model: str
) -> None:
    with pytest.raises(TrainingError, match=r"smollm2-135m or qwen2\.5-coder-0\.5b"):
        made(workspace_with(**{"policy.local_model": model}))


def test_nothing_is_attempted_for_a_model_whose_weights_are_not_here(
    workspace_with: Callable[..., Workspace],
) -> None:
    loop = made(workspace_with(**{"policy.local_model": "smollm2-135m"}))
    with pytest.raises(TrainingError, match="metaclaw models get smollm2-135m --form safetensors"):
        loop.collecting()


@pytest.mark.usefixtures("small_pools")
def test_nothing_is_attempted_unattended_where_nothing_isolates_it(
    workspace_with: Callable[..., Workspace],
) -> None:
    workspace = workspace_with(**{"sandbox.isolation": "none"})
    loop = made(workspace, settle=lambda: False)
    slow = Slow(Ground(workspace.home, workspace.database()))
    slow.works("a")
    slow.advances()
    with pytest.raises(TrainingError, match="Nothing isolates"):
        train_once(loop)
    assert Training(workspace.database()).recent(1) == ()


@pytest.mark.usefixtures("small_pools")
def test_a_user_may_accept_that_nothing_isolates_it(workspace_with: Callable[..., Workspace]) -> None:
    loop = made(workspace_with(**{"sandbox.isolation": "none", "sandbox.unattended": True}))
    with loop.collecting().rooms() as rooms:
        assert not rooms.isolated()
    assert loop.unattended


def test_the_plan_is_what_the_worker_takes(workspace_with: Callable[..., Workspace], tmp_path: Path) -> None:
    plan = made(workspace_with()).plan_of(RUN, tmp_path, False)
    assert set(plan) <= {field.name for field in fields(GrpoPlan)}
    known = GrpoPlan(**plan)  # type: ignore[arg-type]
    assert (known.run, known.seed, known.steps, known.model) == (3, 7, 12, EMBEDDED_MODEL)
    assert known.parent == str(tmp_path)


def test_the_plan_follows_the_configuration(workspace_with: Callable[..., Workspace]) -> None:
    changes = {"training.group": 4, "training.rank": 2, "training.lr": 0.5, "agent.steps": 9}
    changes |= {"training.successes_only": True}
    plan = made(workspace_with(**changes)).plan_of(RUN, None, False)
    assert plan["successes_only"] is True
    assert (plan["group"], plan["rank"], plan["lr"], plan["max_steps"]) == (4, 2, 0.5, 9)
    assert plan["parent"] is None


def test_the_practice_model_learns_faster_and_a_real_one_is_cut_shorter(
    workspace_with: Callable[..., Workspace],
) -> None:
    embedded = made(workspace_with()).plan_of(RUN, None, False)
    real = {"policy.local_model": "elsewhere", "policy.max_tokens": 4096}
    other = made(workspace_with(**real)).plan_of(RUN, None, False)
    assert (embedded["lr"], other["lr"]) == (EMBEDDED_LR, OTHER_LR)
    assert embedded["max_tokens"] == other["max_tokens"] == MOST_TOKENS
    assert int(str(embedded["max_steps"])) > int(str(other["max_steps"])) == OTHER_STEPS


def test_the_plan_tells_how_the_policy_is_asked(workspace_with: Callable[..., Workspace]) -> None:
    assert made(workspace_with()).plan_of(RUN, None, False)["prompting"] == DEFAULT_PROMPTING.to_dict()
    workspace = workspace_with(**{"policy.local_model": "elsewhere"})
    plan = made(workspace).plan_of(RUN, None, False)
    assert plan["prompting"] == workspace.prompting().to_dict() != DEFAULT_PROMPTING.to_dict()


def test_the_embedded_model_keeps_its_frozen_sets(workspace_with: Callable[..., Workspace]) -> None:
    loop = made(workspace_with())
    assert loop.replay() == replay_prompts()
    assert loop.gating().regression() == regression_prompts()


def test_a_real_model_is_asked_in_its_own_way_in_the_frozen_sets(
    workspace_with: Callable[..., Workspace],
) -> None:
    workspace = workspace_with(**{"policy.local_model": "elsewhere"})
    loop, prompting = made(workspace), workspace.prompting()
    system = system_message((), prompting)
    for one in (*loop.replay(), *loop.gating().regression()):
        assert one.messages == opening(one.task, skills_told(one.messages), prompting)
        assert one.messages[0] == system
        assert len(skills_told(one.messages)) <= (prompting.max_skills or 3)


def test_general_tasks_are_among_those_of_a_real_model(workspace_with: Callable[..., Workspace]) -> None:
    loop = made(workspace_with(**{"policy.local_model": "elsewhere"}))
    sets: tuple[tuple[Sequence[TrainingPrompt], GeneralSet], ...] = (
        (loop.replay(), "replay"),
        (loop.gating().regression(), "regression"),
    )
    for prompts, kind in sets:
        general = [one.id for one in prompts if one.start.practice is None]
        assert general == [task.id for task in general_tasks(kind)]


def test_every_fifth_replayed_prompt_of_a_real_model_is_a_general_task(
    workspace_with: Callable[..., Workspace],
) -> None:
    """A training draws them all alike, wherever they stand."""
    prompts = made(workspace_with(**{"policy.local_model": "elsewhere"})).replay()
    general = [one for one in prompts if one.start.practice is None]
    assert len(prompts) == GENERAL_EVERY * len(general)


def test_a_gate_of_a_real_model_is_smaller_and_may_be_made_so(
    workspace_with: Callable[..., Workspace],
) -> None:
    real = {"policy.local_model": "elsewhere"}
    assert len(made(workspace_with(**real)).gating().regression()) == OTHER_REGRESSION
    assert len(made(workspace_with(**real, **{"training.gate_tasks": 40})).gating().regression()) == 40


@pytest.mark.parametrize(
    ("asked", "judged", "beta"), [(None, False, 0.0), (None, True, 0.01), (0.5, False, 0.5), (0.0, True, 0.0)]
)
def test_judged_rewards_are_held_near_the_base(
    workspace_with: Callable[..., Workspace], asked: float | None, judged: bool, beta: float
) -> None:
    loop = made(workspace_with(**({} if asked is None else {"training.beta": asked})))
    assert loop.plan_of(RUN, None, judged)["beta"] == beta


def test_the_sandboxes_of_the_worker_are_those_of_the_configuration(
    workspace_with: Callable[..., Workspace],
) -> None:
    sandbox: dict[str, Any] = made(workspace_with(**{"sandbox.seconds": 3})).sandbox
    assert sandbox["seconds"] == 3
    with SandboxPool(1, **{**sandbox, "preload": ()}) as pool:
        assert pool.open().execute("1 + 1").result == "2"


def test_the_base_is_known_by_its_weights(workspace_with: Callable[..., Workspace]) -> None:
    loop = made(workspace_with())
    assert loop.base == EMBEDDED_MODEL
    assert loop.base_sha256() == loop.base_sha256()
    assert len(loop.base_sha256()) == 64


def test_a_base_that_is_not_here_is_not_trained_and_the_sentence_says_how_to_get_it(
    workspace_with: Callable[..., Workspace],
) -> None:
    loop = made(workspace_with(**{"policy.local_model": "smollm2-135m"}))
    with pytest.raises(TrainingError, match="metaclaw models get smollm2-135m --form safetensors"):
        loop.base_sha256()


def test_a_gate_attempts_at_the_serving_temperature(workspace_with: Callable[..., Workspace]) -> None:
    gating = made(workspace_with(**{"policy.temperature": 0.4})).gating()
    assert gating.temperature == 0.4
    assert list(gating.fresh(1)) == []


def test_the_frozen_sets_share_no_task() -> None:
    replay, regression = replay_prompts(), regression_prompts()
    assert len(regression) >= 200
    assert {one.kind for one in replay} == {PromptKind.REPLAY}
    assert not {one.task.text for one in replay} & {one.task.text for one in regression}
    assert not {one.id for one in replay} & {one.id for one in regression}
    assert all(one.checked for one in (*replay, *regression))
