"""Policies that show whether a benchmark measures what it says: they know the rounds, and do no file work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metaclaw_jlab.evaluation.metaclaw_bench.day_run import Answer, Conversation
from metaclaw_jlab.evaluation.metaclaw_bench.format import Day, MultiChoice


def null(_: Day) -> Answer:
    """Says and does nothing."""
    return lambda *_: ""


def select_all(day: Day) -> Answer:
    """Answers every multiple choice with all the options."""
    return _choosing(day, lambda round_: list(round_.options))


def answers(day: Day) -> Answer:
    """Knows the answers of the multiple choices."""
    return _choosing(day, lambda round_: sorted(round_.answer))


SANITY_POLICIES: dict[str, Callable[[Day], Answer]] = {
    "null": null,
    "select-all": select_all,
    "answers": answers,
}


def _choosing(day: Day, choose: Callable[[MultiChoice], list[str]]) -> Answer:
    opened = sum(message.role == "user" for message in day.opening)

    def answer(conversation: Conversation, _: Path) -> str:
        number = sum(message.role == "user" for message in conversation) - opened - 1
        round_ = day.rounds[number] if number < len(day.rounds) else None
        return f"\\bbox{{{','.join(choose(round_))}}}" if isinstance(round_, MultiChoice) else ""

    return answer
