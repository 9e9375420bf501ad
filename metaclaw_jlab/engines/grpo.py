"""GRPO on a LoRA adapter (Shao et al. 2024; without division by the standard deviation, Liu et al. 2025).

TRL's trainer takes the steps, PEFT holds the adapter. What differs from TRL as it comes: completions are run to the end
of their task before they are scored, groups of equal reward and completions without a score leave the batch, memory
that runs out halves the micro-batch, and the divergence from the base is computed, which TRL does not log at beta 0.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import NothingToTrain, TrainingError
from metaclaw_jlab.core.training import PromptKind, StepReport, TrainingPrompt

if TYPE_CHECKING:
    from metaclaw_jlab.core.start_state import Rooms
    from metaclaw_jlab.engines.stopping import StopFlag
    from metaclaw_jlab.reward_models.judge import Judge
    from metaclaw_jlab.runtime.home import Home

_log = logging.getLogger(__name__)
CLIP_LOW, CLIP_HIGH = 0.2, 0.28
DRAWS = 4  # of prompts in one step, while not one group has anything to teach
MOST_EQUAL_STEPS = 8  # in a row: then there is nothing left to learn from these prompts


@dataclass(frozen=True, slots=True)
class GrpoPlan:
    """How a training goes. `prompts` are those of one step, `group` the completions of each; `micro_batch` bounds the
    completions read together, 0: as many as this machine takes; `parent` is the folder of the adapter to go on from;
    with `successes_only` completions that did worse than their group teach nothing; `prompting` is the policy's, as
    JSON values (core.prompting)."""

    run: int
    model: str
    seed: int
    steps: int
    prompts: int
    group: int
    lr: float
    rank: int
    temperature: float
    replay_share: float
    beta: float
    process_weight: float
    micro_batch: int
    max_tokens: int
    max_steps: int
    report_to: str = "none"
    parent: str | None = None
    successes_only: bool = False
    prompting: Mapping[str, Any] = field(default_factory=dict)


def order_of(
    plan: GrpoPlan, query: Sequence[TrainingPrompt], replay: Sequence[TrainingPrompt]
) -> list[TrainingPrompt]:
    """The prompts of all steps, `plan.prompts` a step: each kind shuffled, and again when it is used up.

    Raises NothingToTrain.
    """
    if not query:
        raise NothingToTrain("The query set is empty.", "Work on, or attempt older tasks again.")
    replayed = round(plan.prompts * plan.replay_share) if replay else 0
    replayed = min(replayed, plan.prompts - 1)
    rng = Random(f"order/{plan.seed}")
    queues: dict[PromptKind, list[TrainingPrompt]] = {PromptKind.QUERY: [], PromptKind.REPLAY: []}
    found = []
    for _ in range(plan.steps):
        for kind, source, count in (
            (PromptKind.QUERY, query, plan.prompts - replayed),
            (PromptKind.REPLAY, replay, replayed),
        ):
            queue = queues[kind]
            while len(queue) < count:
                queue += rng.sample(source, len(source))
            found += [queue.pop(0) for _ in range(count)]
    return found


def drawn_again(
    plan: GrpoPlan, step: int, ordered: Sequence[TrainingPrompt]
) -> Iterator[Sequence[TrainingPrompt]]:
    """The prompts of other steps, for one that would teach nothing: a policy that does few tasks would idle else
    (dynamic sampling, Yu et al. 2025). The same after a resume."""
    others = [number for number in range(plan.steps) if number != step]
    for number in Random(f"again/{plan.seed}/{step}").sample(others, min(DRAWS - 1, len(others))):
        yield ordered[number * plan.prompts : (number + 1) * plan.prompts]


def train(
    plan: GrpoPlan,
    query: Sequence[TrainingPrompt],
    replay: Sequence[TrainingPrompt],
    rooms: Rooms,
    *,
    folder: Path,
    on_step: Callable[[StepReport], None],
    before_step: Callable[[int], None] = lambda _: None,
    stop: StopFlag | None = None,
    resume: Path | None = None,
    trainable: Callable[[], frozenset[str]] | None = None,
    on_memory: Callable[[int], None] = lambda _: None,
    judge: Judge | None = None,
    home: Home | None = None,
) -> Path:
    """Train an adapter; the folder in which it lies, in PEFT's format.

    A short name of a model is looked for in `home`. A checkpoint is written to `folder/checkpoints` after every step.
    `before_step` may raise Superseded; query prompts that `trainable` no longer names are left out; `on_memory` is told
    the micro-batch to go on with where the memory did not hold a larger one; `judge` scores the completions of tasks
    without checks.

    Raises NothingToTrain, TrainingError (Diverged, MemoryTooSmall), Stopped.
    """
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    from metaclaw_jlab.engines.grpo_trainer import make_trainer
    from metaclaw_jlab.engines.stopping import stop_inside
    from metaclaw_jlab.engines.training_checkpoint import put

    ordered = order_of(plan, query, replay)
    started = time.monotonic()
    trainer: Any = make_trainer(
        plan, ordered, rooms, folder, on_step, before_step, stop, trainable, on_memory, judge, home
    )
    _log.info("ready to train after %.1f s", time.monotonic() - started)
    stopping: Any = nullcontext() if stop is None else stop_inside(trainer.model, stop)
    with stopping:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if trainer.trouble:
        raise TrainingError(*trainer.trouble)
    draft = folder / "adapter.new"
    trainer.model.save_pretrained(draft)
    return put(draft, folder / "adapter")
