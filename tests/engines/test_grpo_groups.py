"""What of a step's groups reaches the gradient, and what is left out and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from metaclaw_jlab.agent.lockstep import Asked
from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.core.errors import NothingToTrain, TrainingError
from metaclaw_jlab.core.policy import Completion
from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.core.training import PromptKind, StepReport, TrainingPrompt
from metaclaw_jlab.core.trajectory import Observation, Step
from metaclaw_jlab.engines.completions import Sampled
from metaclaw_jlab.engines.grpo import DRAWS, GrpoPlan, drawn_again, order_of, train
from metaclaw_jlab.engines.grpo_groups import Collected, GroupCollector, TrainingRow, seed_of
from metaclaw_jlab.engines.grpo_trainer import make_trainer
from metaclaw_jlab.engines.stopping import StopFlag, Stopped
from tests.engines.toy_training import Mischief, ToyRooms, prompt, save_model

PLAN = GrpoPlan(
    run=1,
    model="toy",
    seed=5,
    steps=6,
    prompts=4,
    group=2,
    lr=1e-2,
    rank=4,
    temperature=1.0,
    replay_share=0.5,
    beta=0.0,
    process_weight=0.25,
    micro_batch=0,
    max_tokens=12,
    max_steps=2,
)
QUERY = [prompt(number) for number in range(6)]
REPLAY = [prompt(number, PromptKind.REPLAY) for number in range(6, 12)]


# ---------------------------------------------------------------- the order of the prompts


def test_the_order_is_the_same_for_the_same_seed() -> None:
    assert order_of(PLAN, QUERY, REPLAY) == order_of(PLAN, QUERY, REPLAY)
    assert order_of(PLAN, QUERY, REPLAY) != order_of(replace(PLAN, seed=6), QUERY, REPLAY)


def test_a_longer_training_begins_like_a_shorter_one() -> None:
    longer = order_of(replace(PLAN, steps=9), QUERY, REPLAY)
    assert longer[: 6 * 4] == order_of(PLAN, QUERY, REPLAY)


@pytest.mark.parametrize(("share", "replayed"), [(0.0, 0), (0.25, 1), (0.5, 2), (0.9, 3)])
def test_each_step_has_its_share_of_replay_and_one_query_prompt_at_least(share: float, replayed: int) -> None:
    ordered = order_of(replace(PLAN, replay_share=share), QUERY, REPLAY)
    steps = [ordered[start : start + 4] for start in range(0, len(ordered), 4)]
    assert len(steps) == PLAN.steps
    assert {sum(one.kind is PromptKind.REPLAY for one in step) for step in steps} == {replayed}


def test_without_a_replay_set_every_prompt_is_of_the_query_set() -> None:
    assert {one.kind for one in order_of(PLAN, QUERY, [])} == {PromptKind.QUERY}


def test_no_prompt_comes_again_before_all_have_come() -> None:
    ids = [one.id for one in order_of(PLAN, QUERY, REPLAY) if one.kind is PromptKind.QUERY]
    assert set(ids[:6]) == set(ids[6:12]) == {one.id for one in QUERY}


def test_one_prompt_alone_fills_every_step() -> None:
    assert [one.id for one in order_of(replace(PLAN, steps=1), QUERY[:1], [])] == [QUERY[0].id] * 4


def test_an_empty_query_set_trains_nothing() -> None:
    with pytest.raises(NothingToTrain, match="empty"):
        order_of(PLAN, [], REPLAY)


# ---------------------------------------------------------------- groups


@dataclass
class Said:
    """Stands for engines.completions.Completer: completes with what it is told, in turn."""

    actions: list[str]
    seconds: float = 0.0
    tokens: int = 0
    seeds: list[int | None] = field(default_factory=list)

    def sample(self, asked: Sequence[Asked]) -> list[Sampled]:
        found = []
        for one in asked:
            self.seeds.append(one.sampling.seed)
            action = self.actions.pop(0)
            found.append(
                Sampled(
                    (1, 2), tuple(map(ord, action)), Completion(render_reply(action, done=True), "stop", "m")
                )
            )
        return found

    def generate(self, asked: Sequence[Asked]) -> list[Completion]:
        return [Completion(render_reply("none", done=True), "stop", "m") for _ in asked]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as opened:
        yield opened


def collected(
    threads: ThreadPoolExecutor,
    prompts: Sequence[TrainingPrompt],
    *actions: str,
    mischief: Mischief | None = None,
    **changes: Any,
) -> Collected:
    """The groups of these prompts, two completions each."""
    collector = GroupCollector(
        PLAN, Said(list(actions)), ToyRooms(mischief or Mischief()), threads, **changes
    )  # type: ignore[arg-type]
    return collector.collect(0, prompts)


def solves(asked: TrainingPrompt) -> str:
    """Code that passes every check of a toy task."""
    return "".join(check.source for check in asked.task.checks)


def test_a_completion_is_weighed_against_its_own_group(threads: ThreadPoolExecutor) -> None:
    right = solves(QUERY[0])
    found = collected(threads, QUERY[:1], right, "none")
    assert [(row.tokens, row.advantage) for row in found.rows] == [
        (tuple(map(ord, right)), 1.0),
        (tuple(map(ord, "none")), -1.0),
    ]
    assert found.reward == 0.0


def test_where_only_successes_teach_worse_completions_are_dropped_and_counted(
    threads: ThreadPoolExecutor,
) -> None:
    right, plan = solves(QUERY[0]), replace(PLAN, successes_only=True)
    said = Said([right, "none"])
    found = GroupCollector(plan, said, ToyRooms(Mischief()), threads).collect(0, QUERY[:1])  # type: ignore[arg-type]
    assert [(row.tokens, row.advantage) for row in found.rows] == [(tuple(map(ord, right)), 1.0)]
    assert (found.worse, found.reward) == (1, 0.0)


def test_a_group_of_equal_rewards_is_dropped_and_counted(threads: ThreadPoolExecutor) -> None:
    found = collected(threads, QUERY[:2], "none", "nothing", solves(QUERY[1]), "none")
    assert (found.groups, found.equal, len(found.rows)) == (2, 1, 2)


def test_what_could_not_be_scored_is_dropped_and_counted(threads: ThreadPoolExecutor) -> None:
    found = collected(threads, QUERY[:1], "a", "b", mischief=Mischief(rooms_fail=True))
    assert (found.unscored, found.rows, found.query_reward) == (2, [], None)


def test_a_task_without_checks_and_judge_is_not_scored(threads: ThreadPoolExecutor) -> None:
    bare = replace(QUERY[0], task=replace(QUERY[0].task, checks=()))
    found = collected(threads, [bare], "a", "b")
    assert (found.unscored, found.rows) == (2, [])


def test_a_prompt_whose_earlier_steps_go_otherwise_is_dropped_and_counted(
    threads: ThreadPoolExecutor,
) -> None:
    earlier = Step(0, (), "reply", "xyz", Observation("not xy"))
    found = collected(threads, [replace(QUERY[0], before=(earlier,))], solves(QUERY[0]), "none")
    assert (found.mismatched, found.unscored, found.rows) == (1, 0, [])


def test_rewards_are_told_by_kind(threads: ThreadPoolExecutor) -> None:
    found = collected(
        threads, [QUERY[0], REPLAY[0]], solves(QUERY[0]), solves(QUERY[0]), "none", solves(REPLAY[0])
    )
    assert (found.query_reward, found.replay_reward, found.reward) == (1.0, 0.0, 0.5)


def test_a_query_prompt_that_may_no_longer_train_is_left_out_and_replay_stays(
    threads: ThreadPoolExecutor,
) -> None:
    prompts = [QUERY[0], QUERY[1], REPLAY[0]]
    allowed = frozenset({QUERY[1].id})
    found = collected(threads, prompts, "a", "b", "c", "d", trainable=lambda: allowed)
    assert (found.groups, found.outdated) == (2, 1)


def test_every_completion_has_a_seed_of_its_own_which_a_resume_draws_again(
    threads: ThreadPoolExecutor,
) -> None:
    said = Said(["none"] * 6)
    GroupCollector(PLAN, said, ToyRooms(Mischief()), threads).collect(3, QUERY[:3])  # type: ignore[arg-type]
    assert said.seeds == [seed_of(PLAN, 3, place, number) for place in range(3) for number in range(2)]
    assert len(set(said.seeds)) == 6


def redrawn(threads: ThreadPoolExecutor, *actions: str) -> tuple[Collected, Said]:
    """The first step of a run of three, of one prompt each."""
    plan = replace(PLAN, steps=3, prompts=1)
    said = Said(list(actions))
    collector = GroupCollector(plan, said, ToyRooms(Mischief()), threads)  # type: ignore[arg-type]
    return collector.collect(0, QUERY[:1], QUERY[:3]), said


def test_a_step_with_nothing_to_teach_takes_prompts_of_other_steps(threads: ThreadPoolExecutor) -> None:
    solves_all = "".join(map(solves, QUERY[:3]))
    found, said = redrawn(threads, "a", "b", solves_all, "c", "d", "e")
    assert (found.groups, found.equal, len(found.rows), len(found.lengths)) == (2, 1, 2, 4)
    assert said.actions == ["d", "e"]
    assert len(set(said.seeds)) == 4


def test_a_step_with_anything_to_teach_takes_no_others(threads: ThreadPoolExecutor) -> None:
    found, said = redrawn(threads, solves(QUERY[0]), "a", "b", "c")
    assert (found.groups, said.actions) == (1, ["b", "c"])


def test_where_no_prompt_teaches_anything_the_step_ends(threads: ThreadPoolExecutor) -> None:
    found, said = redrawn(threads, *"abcdef")
    assert (found.groups, found.equal, found.rows, said.actions) == (3, 3, [], [])


def test_which_prompts_are_drawn_again_is_the_same_after_a_resume() -> None:
    ordered = order_of(PLAN, QUERY, REPLAY)
    once, again = (list(drawn_again(PLAN, 2, ordered)) for _ in range(2))
    own = ordered[2 * PLAN.prompts : 3 * PLAN.prompts]
    assert once == again
    assert len(once) == DRAWS - 1
    assert own not in once


def test_a_stop_is_heard_while_completions_run(threads: ThreadPoolExecutor) -> None:
    flag = StopFlag()
    flag.set()
    with pytest.raises(Stopped):
        collected(threads, QUERY[:1], "a", "b", stop=flag)


# ---------------------------------------------------------------- the gradient


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("model"))


def gradient(model: str, folder: Path, micro_batch: int, rows: Sequence[TrainingRow]) -> torch.Tensor:
    """The gradient of a step on these rows, as one vector."""
    plan = replace(PLAN, model=model, micro_batch=micro_batch)
    ordered = order_of(plan, QUERY, [])
    trainer: Any = make_trainer(
        plan,
        ordered,
        ToyRooms(Mischief()),
        folder,
        lambda _: None,
        lambda _: None,
        None,
        None,
        lambda _: None,
    )
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    # At first one factor of every layer is zero, and with it the gradient of the other.
    for name, weights in trainer.model.named_parameters():
        if "lora_B" in name:
            weights.data = torch.full_like(weights, 0.01)
    trainer._accumulate(trainer.model, rows)
    grads = [one.grad.flatten() for one in trainer.model.parameters() if one.grad is not None]
    return torch.cat(grads)


def test_micro_batches_add_up_to_the_gradient_of_one_batch(model: str, tmp_path: Path) -> None:
    rows = [
        TrainingRow((0, 1, 2)[: 1 + n % 3], (3, 2, 1, 0, 4)[: 2 + n % 4], (-1) ** n * (1.0 + n / 4))
        for n in range(7)
    ]
    whole = gradient(model, tmp_path / "whole", 7, rows)
    parts = gradient(model, tmp_path / "parts", 3, rows)
    assert float(whole.norm()) > 1e-4
    assert torch.allclose(parts, whole, rtol=1e-3, atol=1e-6)


def test_rewards_that_are_all_equal_end_it_with_a_sentence(model: str, tmp_path: Path) -> None:
    never = (Check(CheckKind.EXPRESSION, "no letter of the model's"),)
    hard = [replace(one, task=replace(one.task, checks=never)) for one in QUERY]
    reports: list[StepReport] = []
    plan = replace(PLAN, model=model, steps=20, replay_share=0.0)
    with pytest.raises(TrainingError, match="nothing can be learnt"):
        train(plan, hard, (), ToyRooms(Mischief()), folder=tmp_path, on_step=reports.append)
    assert [report.loss for report in reports] == [0.0] * 7
    assert {(report.groups, report.equal_groups) for report in reports} == {(4 * DRAWS, 4 * DRAWS)}
