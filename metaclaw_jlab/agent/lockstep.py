"""Rollouts that ask their policy together: a batch is the same whichever of them was ready first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.policy import Completion, Message, Sampling


@dataclass(frozen=True, slots=True)
class Asked:
    """What one rollout asks: its place among the others, the messages, and how to sample."""

    place: int
    messages: tuple[Message, ...]
    sampling: Sampling


Generate = Callable[[Sequence[Asked]], Sequence[Completion]]


class Lockstep:
    """Waits until every rollout that still goes on has asked, then lets `generate` answer all at once, in the order of
    their places. Whoever asked last does it, in its own thread; what it raises is raised to all."""

    def __init__(self, places: Sequence[int], generate: Generate) -> None:
        self._going = set(places)
        self._generate = generate
        self._asked: dict[int, Asked] = {}
        self._answers: dict[int, Completion | BaseException] = {}
        self._changed = threading.Condition()

    def ask(self, asked: Asked) -> Completion:
        """The completion, when all have asked."""
        with self._changed:
            self._asked[asked.place] = asked
            self._answer_where_all_asked()
            while asked.place not in self._answers:
                self._changed.wait()
            answer = self._answers.pop(asked.place)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def leave(self, place: int) -> None:
        """Say that a rollout has ended and asks no more."""
        with self._changed:
            self._going.discard(place)
            self._answer_where_all_asked()

    def _answer_where_all_asked(self) -> None:
        if not self._asked or not self._going.issubset(self._asked):
            return
        batch = [self._asked[place] for place in sorted(self._asked)]
        self._asked.clear()
        try:
            answers: Sequence[Completion | BaseException] = self._generate(batch)
        except BaseException as error:  # noqa: BLE001 - it is raised again in every thread that waits
            answers = [error] * len(batch)
        self._answers.update((asked.place, answer) for asked, answer in zip(batch, answers, strict=True))
        self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class LockstepPolicy:
    """The policy of one rollout: its first completion is there already, the others come in lockstep.

    Implements core.policy.Policy.
    """

    model: str
    place: int
    first: list[Completion]
    lockstep: Lockstep

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,  # noqa: ARG002 - nobody listens
    ) -> Completion:
        """One completion."""
        if self.first:
            return self.first.pop()
        return self.lockstep.ask(Asked(self.place, messages, sampling))
