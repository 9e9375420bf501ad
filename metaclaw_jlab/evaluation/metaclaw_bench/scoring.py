"""Scores as the benchmark's authors publish them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from metaclaw_jlab.evaluation.metaclaw_bench.format import MultiChoice

_BOX = re.compile(r"\\(?:bbox|boxed)\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """How a file check ended. `exit_code` is None where it ran out of time; `output` is the end of what it wrote."""

    passed: bool
    exit_code: int | None
    output: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What an answer took: the policy's own seconds, its tokens, and steps, one for each of its replies."""

    policy_seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    steps: int = 0


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What came of a round. `score` is at most 1 and may be negative for letters that are no option's; `right` is a
    passed file check or an exact match; `selected` is None where no answer was found or none was asked for. `seconds`
    are of the whole answer, code and all; `skills` were in the prompt, and `left_out` messages of the day were not.
    """

    round: str
    kind: str
    score: float
    right: bool
    reply: str
    selected: tuple[str, ...] | None = None
    check: CheckOutcome | None = None
    failure: str | None = None
    seconds: float = 0.0
    spent: Spent = field(default_factory=Spent)
    skills: tuple[str, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class DayResult:
    """The results of a day's rounds, in order. `closing` is what feedback that was sent alone took; `notes` say what
    was learnt after it, or could not be."""

    day: str
    rounds: tuple[RoundResult, ...]
    closing: Spent = field(default_factory=Spent)
    notes: tuple[str, ...] = ()


def added(one: Spent, other: Spent) -> Spent:
    """What both took together."""
    return Spent(
        one.policy_seconds + other.policy_seconds,
        one.prompt_tokens + other.prompt_tokens,
        one.completion_tokens + other.completion_tokens,
        one.steps + other.steps,
    )


def selected_options(reply: str) -> frozenset[str] | None:
    r"""Every letter in the first `\bbox{...}` or `\boxed{...}`, capital; None where there is none. Later ones don't
    count, nor do words: `\bbox{none}` selects N, O and E, as it does in the published scoring."""
    box = _BOX.search(reply)
    letters = re.findall("[A-Za-z]", box.group(1)) if box else []
    return frozenset(letter.upper() for letter in letters) or None


def choice_score(round_: MultiChoice, selected: frozenset[str] | None) -> float:
    """1 - (false positives + false negatives) / options; 0 where no answer was found."""
    if selected is None:
        return 0.0
    return 1 - len(selected ^ round_.answer) / len(round_.options)


def score_choice(round_: MultiChoice, reply: str, *, failure: str | None = None) -> RoundResult:
    """The result of a multiple choice from the reply to it."""
    selected = selected_options(reply)
    return RoundResult(
        round=round_.id,
        kind=round_.kind,
        score=choice_score(round_, selected),
        right=selected == round_.answer,
        reply=reply,
        selected=None if selected is None else tuple(sorted(selected)),
        failure=failure,
    )
