"""The agent as it is in a notebook, living through a day of the benchmark: each round in a sandbox of the workspace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from metaclaw_jlab.agent.prompt import (
    SKILLS_PREAMBLE,
    observation_message,
    skills_block,
    system_message,
    task_message,
)
from metaclaw_jlab.agent.rollout import Rollout, answer
from metaclaw_jlab.core.errors import PromptTooLong
from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Origin, Reference, Task
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.core.trajectory import (
    InjectedSkill,
    Purpose,
    Step,
    StopReason,
    Trajectory,
    new_trajectory_id,
)
from metaclaw_jlab.evaluation.ablation.attempting import task_seed
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import Asked, Conversation, Reply
from metaclaw_jlab.evaluation.metaclaw_bench.format import Day, Round
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import RoundResult, Spent, selected_options
from metaclaw_jlab.evaluation.metaclaw_bench.workspaces import take_over
from metaclaw_jlab.executors.folder import read_folder
from metaclaw_jlab.executors.sandbox import SandboxPool

ABOUT = """\
You work in the user's folder, which stays as you leave it from one message of the user's to the next; names that your
code defines last for one message. A message that wants nothing made is answered in words, without a block: a multiple
choice in the form that it asks for. `[Previous Feedback]` is the user's word on your last answer."""
NOTES = "What lies at the top of the folder, about the user and the work:"
_NOTES = "*.md"
_NOTE_CHARS = 8000
_OUTPUT = "<output>"
_FAILURES = frozenset({StopReason.POLICY_FAILED, StopReason.EXECUTOR_FAILED})


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an agent is told beforehand: the skills for a task, and the generation that they are of."""

    skills: tuple[Match, ...] = ()
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Lived:
    """A round that is over: what was done, in a workspace that held `files` before, and what became of it."""

    round: Round
    trajectory: Trajectory
    files: Mapping[str, bytes]
    result: RoundResult
    feedback: str


class Learner(Protocol):
    """Takes in what was lived through."""

    def take_in(self, lived: Lived) -> None:
        """Learn from a round, before the next one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who answers, and under what. `taught` gives the skills for a task, by its id; it is called from any thread."""

    policy: Policy
    pool: SandboxPool
    sampling: Sampling
    max_steps: int
    taught: Callable[[str, Task], Lesson]
    seed: int = 1
    learner: Learner | None = None


class RoundAgent:
    """Lives through one day. Implements day_run.Agent.

    A round is a task of its own within the day's conversation: its code runs in a new sandbox of the workspace, whose
    files are taken over afterwards. What is scored is the last reply with a `\\bbox{}`, or the last one.
    """

    def __init__(self, day: Day, terms: Terms) -> None:
        self._day = day
        self._terms = terms
        self._last: tuple[Trajectory, Mapping[str, bytes]] | None = None

    def answer(self, asked: Asked) -> Reply:
        """The answer to a round. Raises ExecutorError."""
        terms, round_ = self._terms, asked.round
        id_ = f"{self._day.id}/{round_.id if round_ is not None else 'feedback'}"
        text = round_.question if round_ is not None else asked.talk[-1].content
        task = Task(text, origin=Origin(f"metaclaw-bench/{self._day.id}", id_))
        lesson = terms.taught(id_, task)
        self._last = None
        with terms.pool.open(asked.workspace) as sandbox:
            files = read_folder(asked.workspace, terms.pool.folder_bytes) if terms.learner else {}
            system = _system(asked.workspace, lesson.skills)
            rollout = Rollout(
                policy=terms.policy,
                executor=sandbox,
                generation=lesson.generation,
                sampling=replace(terms.sampling, seed=task_seed(terms.seed, id_)),
                max_steps=terms.max_steps,
                purpose=Purpose.BENCHMARK if terms.learner is None else Purpose.USER,
            )
            done, left_out = _answered(task, system, asked.talk, len(self._day.opening), rollout)
            take_over(sandbox.files(), asked.workspace)
        done = _stamped(done, lesson.skills)
        if round_ is not None and done.stop not in _FAILURES:
            self._last = (done, files)
        return replace(_reply(done), left_out=left_out)

    def hear(self, round_: Round, result: RoundResult, feedback: str) -> None:
        """Pass on what was lived through, where somebody learns from it."""
        if self._terms.learner is not None and self._last is not None:
            self._terms.learner.take_in(Lived(round_, *self._last, result, feedback))


@dataclass(slots=True)
class _Heard:
    """A policy that remembers whether a prompt was too long for it."""

    policy: Policy
    too_long: bool = False

    @property
    def model(self) -> str:
        return self.policy.model

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        try:
            return self.policy.complete(messages, sampling, on_text=on_text)
        except PromptTooLong:
            self.too_long = True
            raise


def _answered(
    task: Task, system: Message, talk: Conversation, opened: int, rollout: Rollout
) -> tuple[Trajectory, int]:
    """The task done, and how many messages of the conversation were left out: the oldest rounds after the day's
    opening, half of them each time that the model has no room for the question, until the question stands alone."""
    older, question = talk[opened:-1], talk[-1]
    while True:
        policy = _Heard(rollout.policy)
        messages = (system, *_joined((*talk[:opened], *older, question)))
        prompt = TrainingPrompt(new_trajectory_id(), PromptKind.QUERY, task, messages, StartState())
        done = answer(prompt, replace(rollout, policy=policy))
        if not (policy.too_long and older and not done.steps):
            return done, len(talk) - opened - 1 - len(older)
        older = _from_a_round(older[(len(older) + 1) // 2 :])


def _from_a_round(talk: Conversation) -> Conversation:
    """A conversation from the first message on that the user wrote."""
    for place, message in enumerate(talk):
        if message.role == "user" and not message.content.startswith(_OUTPUT):
            return talk[place:]
    return ()


def _system(workspace: Path, skills: Sequence[Match]) -> Message:
    """The agent's own instructions, what the workspace says at its top, and the skills at the end, as in a notebook."""
    parts = [f"{system_message(()).content}\n{ABOUT}"]
    notes = tuple(
        Reference(path.name, path.read_text(encoding="utf-8", errors="replace")[:_NOTE_CHARS])
        for path in sorted(workspace.glob(_NOTES))
        if path.is_file()
    )
    if notes:
        parts.append(task_message(Task(NOTES, notes)).content)
    if skills:
        parts.append(f"{SKILLS_PREAMBLE}\n{skills_block(match.skill.body for match in skills)}")
    return Message("system", "\n\n".join(parts))


def _joined(talk: Conversation) -> Iterator[Message]:
    """The conversation with one message a turn: many models take no two of one side in a row."""
    last: Message | None = None
    for message in talk:
        if last is not None and last.role == message.role:
            last = Message(last.role, f"{last.content}\n\n{message.content}")
            continue
        if last is not None:
            yield last
        last = message
    if last is not None:
        yield last


def _stamped(done: Trajectory, skills: Sequence[Match]) -> Trajectory:
    told = tuple(InjectedSkill(one.skill.name, one.skill.sha256, one.relevance) for one in skills)
    return replace(done, stamp=replace(done.stamp, skills=told), created_at=time.time())


def _reply(done: Trajectory) -> Reply:
    failed = done.stop in _FAILURES
    usage = [step.usage for step in done.steps]
    return Reply(
        text="" if failed else _said([step.reply for step in done.steps]),
        talk=tuple(_told(done.steps)),
        failure=done.stop_detail if failed else None,
        spent=Spent(
            sum(step.policy_seconds for step in done.steps),
            sum(one.prompt_tokens for one in usage),
            sum(one.completion_tokens for one in usage),
            len(done.steps),
        ),
        skills=tuple(skill.name for skill in done.stamp.skills),
    )


def _said(replies: Sequence[str]) -> str:
    boxed = [reply for reply in replies if selected_options(reply) is not None]
    return (boxed or replies or [""])[-1]


def _told(steps: Sequence[Step]) -> Iterator[Message]:
    """What a round leaves in the conversation. Nobody answered the last output, so it is left out."""
    for step in steps:
        if step.reply.strip():
            yield Message("assistant", step.reply)
        if step.observation is not None and step is not steps[-1]:
            yield observation_message(step.observation)
