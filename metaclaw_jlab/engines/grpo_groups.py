"""The groups of one GRPO step: completed, run, scored; what has nothing to teach is left out and counted."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from statistics import fmean

from metaclaw_jlab.agent.group_rollout import Answered, GroupRollout, PendingGroups, start_groups
from metaclaw_jlab.agent.lockstep import Asked
from metaclaw_jlab.core.policy import Sampling
from metaclaw_jlab.core.prompting import prompting_from
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.engines.completions import Completer, Sampled
from metaclaw_jlab.engines.grpo import GrpoPlan, drawn_again
from metaclaw_jlab.engines.judging import judged_groups
from metaclaw_jlab.engines.stopping import StopFlag
from metaclaw_jlab.reward_models.credit import group_rewards
from metaclaw_jlab.reward_models.judge import Judge

_log = logging.getLogger(__name__)
CHUNK = 32  # completions decoded together: while they run in their sandboxes the next ones are decoded
_SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One completion that has something to teach: tokens, and by how much it was better than its group."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    advantage: float

    @property
    def length(self) -> int:
        """Tokens of prompt and completion."""
        return len(self.prompt) + len(self.tokens)


@dataclass
class Collected:
    """The rows of a step, and what was seen on the way. Rewards are means over scored completions; `worse` ones than
    their group's mean were left out, where only successes teach."""

    rows: list[TrainingRow] = field(default_factory=list)
    rewards: dict[PromptKind, list[float]] = field(default_factory=lambda: {kind: [] for kind in PromptKind})
    lengths: list[int] = field(default_factory=list)
    groups: int = 0
    equal: int = 0
    unscored: int = 0
    mismatched: int = 0
    outdated: int = 0
    worse: int = 0
    tokens: int = 0
    generation_seconds: float = 0.0
    scoring_seconds: float = 0.0

    @property
    def reward(self) -> float:
        """Mean reward of everything that was scored, 0 where nothing was."""
        every = [reward for rewards in self.rewards.values() for reward in rewards]
        return fmean(every) if every else 0.0

    @property
    def query_reward(self) -> float | None:
        """Mean reward of query prompts, those of other agents' turns included."""
        found = [*self.rewards[PromptKind.QUERY], *self.rewards[PromptKind.TURN]]
        return fmean(found) if found else None

    @property
    def replay_reward(self) -> float | None:
        """Mean reward of replayed prompts."""
        return fmean(self.rewards[PromptKind.REPLAY]) if self.rewards[PromptKind.REPLAY] else None

    @property
    def mean_tokens(self) -> float:
        """Mean length of a completion."""
        return fmean(self.lengths) if self.lengths else 0.0

    def add(self, other: Collected) -> None:
        """Take up what was seen of more prompts in the same step."""
        for own in fields(self):
            if own.name != "rewards":
                setattr(self, own.name, getattr(self, own.name) + getattr(other, own.name))
        for kind, rewards in other.rewards.items():
            self.rewards[kind] += rewards


@dataclass
class GroupCollector:
    """Makes the groups of a step. Seconds of scoring are those that decoding waited for it. Without a `judge` the
    completions of tasks without checks are unscored."""

    plan: GrpoPlan
    completer: Completer
    rooms: Rooms
    threads: ThreadPoolExecutor
    stop: StopFlag | None = None
    trainable: Callable[[], frozenset[str]] | None = None
    judge: Judge | None = None

    def collect(
        self, step: int, prompts: Sequence[TrainingPrompt], ordered: Sequence[TrainingPrompt] = ()
    ) -> Collected:
        """Groups for these prompts, those that may no longer be trained on left out; while none of them has anything
        to teach, for some others of the run's, which are all in `ordered`. Raises Stopped."""
        found = self._collected(step, 0, prompts)
        for number, others in enumerate(drawn_again(self.plan, step, ordered) if ordered else (), 1):
            if found.rows:
                break
            found.add(self._collected(step, number * self.plan.prompts, others))
        return found

    def _collected(self, step: int, first: int, prompts: Sequence[TrainingPrompt]) -> Collected:
        """Groups for prompts that are counted from `first` on in this step."""
        found = Collected()
        kept = self._kept(prompts, found)
        before = self.completer.seconds, self.completer.tokens
        pending: list[tuple[Sequence[TrainingPrompt], list[list[Sampled]], PendingGroups]] = []
        size = max(1, CHUNK // self.plan.group)
        for start in range(0, len(kept), size):
            self._check()
            pending.append(self._begin(step, first + start, kept[start : start + size]))
        waited = time.perf_counter()
        busy = self.completer.seconds
        answered = [answers for _, _, groups in pending for answers in groups.wait(self._check)]
        completed = [samples for _, sampled, _ in pending for samples in sampled]
        for prompt, samples, answers in zip(kept, completed, self._judged(kept, answered), strict=True):
            self._take(prompt, samples, answers, found)
        decoded_meanwhile = self.completer.seconds - busy
        found.scoring_seconds = max(0.0, time.perf_counter() - waited - decoded_meanwhile)
        found.generation_seconds = self.completer.seconds - before[0]
        found.tokens = self.completer.tokens - before[1]
        return found

    def _kept(self, prompts: Sequence[TrainingPrompt], found: Collected) -> list[TrainingPrompt]:
        if self.trainable is None:
            return list(prompts)
        allowed = self.trainable()
        kept = [one for one in prompts if one.kind is PromptKind.REPLAY or one.id in allowed]
        found.outdated = len(prompts) - len(kept)
        return kept

    def _begin(
        self, step: int, first: int, prompts: Sequence[TrainingPrompt]
    ) -> tuple[Sequence[TrainingPrompt], list[list[Sampled]], PendingGroups]:
        plan, sampling = self.plan, Sampling(self.plan.temperature, self.plan.max_tokens)
        seeds = [
            [seed_of(plan, step, first + number, completion) for completion in range(plan.group)]
            for number in range(len(prompts))
        ]
        asked = [
            Asked(0, prompt.messages, Sampling(plan.temperature, plan.max_tokens, seed))
            for prompt, own in zip(prompts, seeds, strict=True)
            for seed in own
        ]
        flat = self.completer.sample(asked)
        sampled = [flat[i * plan.group : (i + 1) * plan.group] for i in range(len(prompts))]
        how = GroupRollout(
            model=plan.model,
            generate=self.completer.generate,
            rooms=self.rooms,
            sampling=sampling,
            max_steps=plan.max_steps,
            threads=self.threads,
            prompting=prompting_from(plan.prompting),
        )
        completions = [[one.completion for one in group] for group in sampled]
        return prompts, sampled, start_groups(prompts, completions, seeds, how)

    def _judged(
        self, prompts: Sequence[TrainingPrompt], answered: list[list[Answered]]
    ) -> list[list[Answered]]:
        if self.judge is None:
            return answered
        steps = self.plan.process_weight > 0
        return judged_groups(prompts, answered, self.judge, steps=steps, check=self._check)

    def _take(
        self,
        prompt: TrainingPrompt,
        samples: Sequence[Sampled],
        answers: Sequence[Answered],
        found: Collected,
    ) -> None:
        found.groups += 1
        found.lengths += [len(sample.tokens) for sample in samples]
        if any(answer.mismatched for answer in answers):
            found.mismatched += 1
            return
        judged = self.judge is not None and not prompt.checked
        rewards = group_rewards(answers, process_weight=self.plan.process_weight, judged=judged)
        known = rewards.known
        for reason in rewards.reasons:
            _log.info("not scored: %s", reason)
        found.unscored += rewards.unscored + rewards.mixed
        found.rewards[prompt.kind] += known
        if rewards.equal:
            found.equal += 1
            return
        mean = fmean(known)
        rows = [
            TrainingRow(sample.prompt, sample.tokens, reward - mean)
            for sample, reward in zip(samples, rewards, strict=True)
            if reward is not None
        ]
        kept = [row for row in rows if row.advantage > 0] if self.plan.successes_only else rows
        found.worse += len(rows) - len(kept)
        found.rows += kept

    def _check(self) -> None:
        if self.stop is not None:
            self.stop.check()


def seed_of(plan: GrpoPlan, step: int, prompt: int, completion: int) -> int:
    """The seed of one completion: the same after a resume."""
    return zlib.crc32(f"{plan.seed}/{step}/{prompt}/{completion}".encode()) % _SEEDS
