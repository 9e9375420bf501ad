"""Policies that show whether a benchmark measures what it says: they know the rounds, and do no file work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import Agent, Answer, Asked, Reply
from metaclaw_jlab.evaluation.metaclaw_bench.format import Day, MultiChoice, Round
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import RoundResult


def null(_: Day) -> Answer:
    """Says and does nothing."""
    return lambda *_: ""


def select_all(_: Day) -> Agent:
    """Answers every multiple choice with all the options."""
    return _Choosing(lambda round_: round_.options)


def answers(_: Day) -> Agent:
    """Knows the answers of the multiple choices."""
    return _Choosing(lambda round_: sorted(round_.answer))


SANITY_POLICIES: dict[str, Callable[[Day], Agent | Answer]] = {
    "null": null,
    "select-all": select_all,
    "answers": answers,
}


@dataclass(frozen=True, slots=True)
class _Choosing:
    choose: Callable[[MultiChoice], Iterable[str]]

    def answer(self, asked: Asked) -> Reply:
        if not isinstance(asked.round, MultiChoice):
            return Reply("", ())
        text = f"\\bbox{{{','.join(self.choose(asked.round))}}}"
        return Reply(text, (Message("assistant", text),))

    def hear(self, round_: Round, result: RoundResult, feedback: str) -> None:
        pass
