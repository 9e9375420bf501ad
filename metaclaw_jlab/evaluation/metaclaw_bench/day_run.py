"""A day of the benchmark run against anything that answers: one conversation, one workspace, in order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer, run_check
from metaclaw_jlab.evaluation.metaclaw_bench.feedback import alone, feedback_text, with_feedback
from metaclaw_jlab.evaluation.metaclaw_bench.format import Day, FileCheck, Round
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult, RoundResult, Spent, added, score_choice
from metaclaw_jlab.evaluation.metaclaw_bench.updates import carry_out
from metaclaw_jlab.evaluation.metaclaw_bench.workspaces import copy_workspace

Conversation = tuple[Message, ...]
Answer = Callable[[Conversation, Path], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The conversation, which ends with the user's message; the workspace, which may be changed; and the round, None
    where it is feedback alone that was said."""

    talk: Conversation
    workspace: Path
    round: Round | None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its `text` is scored, `talk` joins the conversation. `failure` says why there is none; `left_out`
    older messages found no room in the prompt."""

    text: str
    talk: Conversation
    failure: str | None = None
    spent: Spent = field(default_factory=Spent)
    skills: tuple[str, ...] = ()
    left_out: int = 0


@runtime_checkable
class Agent(Protocol):
    """Who lives through a day."""

    def answer(self, asked: Asked) -> Reply:
        """The answer. Raises MetaclawError."""

    def hear(self, round_: Round, result: RoundResult, feedback: str) -> None:
        """How the last answer was scored, and what the user will say of it."""


def run_day(
    day: Day,
    agent: Agent | Answer,
    shared: Path,
    scorer: Scorer,
    *,
    on_round: Callable[[RoundResult], None] = lambda _: None,
) -> DayResult:
    """Run a day's rounds and send the last feedback of each group. A plain answerer gets the conversation and the
    workspace, and its reply joins the conversation.

    A MetaclawError from the agent is noted as the round's failure: the round is scored on an empty reply and on the
    workspace as it is, and the day goes on. Raises ExecutorError where checks cannot be run, OSError.
    """
    with tempfile.TemporaryDirectory(prefix="metaclaw-day-", ignore_cleanup_errors=True) as folder:
        workspace = Path(folder) / "workspace"
        copy_workspace(shared, day.id, workspace)
        answering = agent if isinstance(agent, Agent) else _Plain(agent)
        under_way = _UnderWay(answering, workspace, scorer, on_round, day.opening)
        for group in day.groups:
            under_way.group([round_ for round_ in day.rounds if round_.group == group])
        return DayResult(day.id, tuple(under_way.results), under_way.closing)


@dataclass(slots=True)
class _UnderWay:
    agent: Agent
    workspace: Path
    scorer: Scorer
    on_round: Callable[[RoundResult], None]
    talk: Conversation
    results: list[RoundResult] = field(default_factory=list)
    closing: Spent = field(default_factory=Spent)

    def group(self, rounds: list[Round]) -> None:
        feedback = ""
        for round_ in rounds:
            for update in round_.updates:
                carry_out(update, self.workspace)
                self.talk = (*self.talk, *update.said)
            began = time.monotonic()
            reply = self._ask(with_feedback(feedback, round_.question), round_)
            result = replace(
                _scored(round_, reply, self.workspace, self.scorer, seconds=time.monotonic() - began),
                spent=reply.spent,
                skills=reply.skills,
                left_out=reply.left_out,
            )
            feedback = feedback_text(round_, result)
            self.results.append(result)
            self.agent.hear(round_, result, feedback)
            self.on_round(result)
        if feedback:
            spent = self._ask(alone(feedback), None).spent
            self.closing = added(self.closing, spent)

    def _ask(self, text: str, round_: Round | None) -> Reply:
        self.talk = (*self.talk, Message("user", text))
        try:
            reply = self.agent.answer(Asked(self.talk, self.workspace, round_))
        except MetaclawError as error:
            return Reply("", (), str(error))
        self.talk = (*self.talk, *reply.talk)
        return reply


@dataclass(frozen=True, slots=True)
class _Plain:
    """What only answers, as an agent."""

    reply: Answer

    def answer(self, asked: Asked) -> Reply:
        text = self.reply(asked.talk, asked.workspace)
        return Reply(text, (Message("assistant", text),) if text else ())

    def hear(self, round_: Round, result: RoundResult, feedback: str) -> None:
        pass


def _scored(round_: Round, reply: Reply, workspace: Path, scorer: Scorer, *, seconds: float) -> RoundResult:
    if not isinstance(round_, FileCheck):
        return replace(score_choice(round_, reply.text, failure=reply.failure), seconds=seconds)
    check = run_check(round_, workspace, scorer)
    return RoundResult(
        round=round_.id,
        kind=round_.kind,
        score=float(check.passed),
        right=check.passed,
        reply=reply.text,
        check=check,
        failure=reply.failure,
        seconds=seconds,
    )
