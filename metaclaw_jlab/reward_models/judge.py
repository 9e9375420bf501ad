"""A judge: a model that scores steps where no check can, by the majority of several votes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.errors import ConfigError, MetaclawError
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.score import Scoring, Unscored
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.reward_models.judge_prompt import RESPONSE_FORMAT, Case, case_of, compose
from metaclaw_jlab.reward_models.vote import Vote, decided, majority, read_vote

CONCURRENCY = 8
FAILURES_IN_A_ROW = 5
_LOOK_SECONDS = 0.05


class Votes(Protocol):
    """Where votes come from."""

    @property
    def model(self) -> str:
        """The judge's name."""

    def ask(
        self, messages: tuple[Message, ...], n: int, response_format: Mapping[str, object] | None = None
    ) -> Sequence[tuple[str, str]]:
        """At least one reply and at most `n`, each with its finish reason, from one request. Raises PolicyError."""


class Budget:
    """How many requests may still be made; shared by threads."""

    def __init__(self, requests: int) -> None:
        self._left = requests
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Requests that may still be made."""
        return self._left

    def take(self) -> bool:
        """Whether one more may be made; it counts from then on."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Judge:
    """Scores steps. What goes to it is redacted; `known` are secrets as for `redact`.

    A judge that does not answer several times in a row is not asked again.
    """

    def __init__(
        self,
        votes: Votes,
        *,
        count: int = 3,
        budget: Budget,
        known: Sequence[str] = (),
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._votes = votes
        self._count = count
        self._budget = budget
        self._known = tuple(known)
        self._concurrency = concurrency
        self._failures = 0
        self._gone = ""

    @property
    def model(self) -> str:
        """The judge's name. Raises PolicyError where its endpoint has to be asked for it and does not tell."""
        return self._votes.model

    @property
    def requests_left(self) -> int:
        """How many requests it may still make."""
        return self._budget.left

    def score(self, case: Case) -> Scoring:
        """The majority of the votes on one step; Unscored, with the reason, wherever there is none."""
        messages = compose(case, self._known)
        votes: list[Vote | Unscored] = []
        while len(votes) < self._count and not decided(votes, self._count):
            if self._gone:
                return Unscored(self._gone)
            if not self._budget.take():
                return Unscored("The budget of requests to the judge is spent (judge.max_calls).")
            wanted = self._count - len(votes)
            try:
                replies = self._votes.ask(messages, wanted, RESPONSE_FORMAT)
            except MetaclawError as error:
                return self._failed(error)
            self._failures = 0
            votes += [read_vote(text, reason) for text, reason in replies[:wanted]]
        return majority(votes, self._count)

    def score_all(self, cases: Sequence[Case], *, check: Callable[[], None] = lambda: None) -> list[Scoring]:
        """One score for each case, several asked for at once.

        `check` is called often meanwhile; what it raises ends the waiting at once, and no further request is begun.
        """
        found: list[Scoring | None] = [None] * len(cases)
        places = iter(range(len(cases)))
        ended, lock = threading.Event(), threading.Lock()
        errors: list[BaseException] = []
        threads = [
            threading.Thread(
                target=self._work,
                args=(cases, places, found, ended, lock, errors),
                name="metaclaw-judge",
                daemon=True,
            )
            for _ in range(min(self._concurrency, len(cases)))
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    check()
                    thread.join(_LOOK_SECONDS)
        finally:
            ended.set()
        if errors:
            raise errors[0]
        return [Unscored("The judge was not asked.") if one is None else one for one in found]

    def score_steps(
        self,
        trajectory: Trajectory,
        *,
        skills: Sequence[str] = (),
        check: Callable[[], None] = lambda: None,
    ) -> tuple[tuple[int, Scoring], ...]:
        """Index and score of every step, the last one included. `skills` are the bodies that were in its prompt."""
        cases = [case_of(trajectory, place, skills) for place in range(len(trajectory.steps))]
        scores = self.score_all(cases, check=check)
        return tuple((step.index, score) for step, score in zip(trajectory.steps, scores, strict=True))

    def _work(
        self,
        cases: Sequence[Case],
        places: Iterator[int],
        found: list[Scoring | None],
        ended: threading.Event,
        lock: threading.Lock,
        errors: list[BaseException],
    ) -> None:
        while not ended.is_set():
            with lock:
                place = next(places, None)
            if place is None:
                return
            try:
                found[place] = self.score(cases[place])
            except BaseException as error:  # noqa: BLE001 - it is raised where the scores are waited for
                errors.append(error)
                ended.set()

    def _failed(self, error: MetaclawError) -> Unscored:
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._gone = f"The judge failed {self._failures} times in a row: {error.cause}"
        return Unscored(f"The judge failed: {error.cause}")


def configured_judge(
    settings: JudgeSettings, votes: Votes, *, policy_model: str, known: Sequence[str] = ()
) -> Judge:
    """A judge with a new budget. Raises ConfigError where it would be the policy, and PolicyError."""
    refuse_same_model(votes.model, policy_model, allowed=settings.same_model)
    return Judge(votes, count=settings.votes, budget=Budget(settings.max_calls), known=known)


def refuse_same_model(judge: str, policy: str, *, allowed: bool) -> None:
    """Raise ConfigError where a judge would be the policy itself and that was not allowed."""
    if not allowed and _plain_name(judge) == _plain_name(policy):
        raise ConfigError(
            f"The judge would be the policy itself ({judge}): a model does not judge its own work.",
            "Name another one as judge.model, or set judge.same_model to true.",
        )


def _plain_name(model: str) -> str:
    """A model's name without its publisher, the version of an adapter and a tag that says nothing."""
    name = model.strip().replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()
    return re.sub(r"@v\d+\Z", "", name).removesuffix(":latest")
