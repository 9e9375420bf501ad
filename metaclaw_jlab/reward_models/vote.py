"""Votes of a judge: read strictly from replies, and counted. What cannot be read is no vote, no majority no score."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored

FOR, AGAINST, UNDECIDED = 1, -1, 0
REASON_CHARS = 300
LONGEST_REPLY = 20_000
_LONGEST_LINE = 200
_TRIED_OBJECTS = 20
# How endpoints call an end that is the model's own. Anything else was cut off or held back.
_ENDED = frozenset({"", "stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"})
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"))
_THOUGHT_END = re.compile(r"</think(?:ing)?>", re.I)
_THOUGHT = re.compile(r"<think(?:ing)?>", re.I)
_MARKS = r"[\"'*_` \t]*"
_LINE = re.compile(
    rf"[\s>#*_`\-]*(?:final[ \t]+)?score{_MARKS}[:=：]{_MARKS}(?P<value>[+-]?[01]){_MARKS}\.?", re.I
)
_MENTION = re.compile(rf"\bscore\b{_MARKS}[:=：](?P<rest>[^\n]*)", re.I)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_VALUE = re.compile(r"[+-]?[01]")


@dataclass(frozen=True, slots=True)
class Vote:
    """One opinion of a judge: 1 for the step, -1 against it, 0 where it cannot tell, and why."""

    value: int
    reason: str = ""


def read_vote(text: str, finish_reason: str = "stop") -> Vote | Unscored:
    """The vote in a reply: a JSON object with `score` at its end, or a last line `Score: 1`. Nothing is guessed.

    A reply that was cut off, names two different scores, another number or has text after its score is no vote.
    """
    if finish_reason.strip().lower() not in _ENDED:
        return Unscored(f"The judge's reply did not come to its end ({finish_reason[:40]}).")
    if len(text) > LONGEST_REPLY:
        return Unscored(f"The judge's reply has {len(text):,} characters.")
    body = _THOUGHT_END.split(text)[-1].translate(_DASHES).strip()
    if not body:
        return Unscored("The judge's reply is empty.")
    if _THOUGHT.search(body):
        return Unscored("The judge's reply is an unfinished thought.")
    body = body.removesuffix("```").rstrip()
    return _in_object(body) if body.endswith("}") else _in_last_line(body)


def decided(votes: Sequence[Vote | Unscored], asked: int) -> bool:
    """Whether the votes that are still to come can change nothing."""
    values = [vote.value for vote in votes if isinstance(vote, Vote)]
    return any(2 * values.count(value) > asked for value in values)


def majority(votes: Sequence[Vote | Unscored], asked: int) -> Scoring:
    """The value of more than half of the votes that were asked for; Unscored where no value has so many."""
    cast = [vote for vote in votes if isinstance(vote, Vote)]
    counts = {value: sum(vote.value == value for vote in cast) for value in (FOR, AGAINST, UNDECIDED)}
    for value, count in counts.items():
        if 2 * count <= asked:
            continue
        reason = next((vote.reason for vote in cast if vote.value == value and vote.reason), "")
        told = f"{count} of {asked} votes{f': {reason}' if reason else ''}"
        if value == UNDECIDED:
            return Unscored(f"The judge cannot tell ({told}).")
        return Score(float(value), ScoreSource.JUDGE, told)
    missing = next((vote.reason for vote in votes if isinstance(vote, Unscored)), "")
    if not cast:
        return Unscored(missing or "The judge gave no vote.")
    return Unscored(
        f"No majority of {asked} votes: {counts[FOR]} for, {counts[AGAINST]} against, "
        f"{counts[UNDECIDED]} undecided. {missing}".rstrip()
    )


def _in_object(body: str) -> Vote | Unscored:
    for start in _braces(body):
        seen: list[object] = []

        def note(pairs: list[tuple[str, object]], seen: list[object] = seen) -> dict[str, object]:
            seen += [value for key, value in pairs if key.strip().lower() == "score"]
            return {key.strip().lower(): value for key, value in pairs}

        try:
            found = json.loads(body[start:], object_pairs_hook=note)
        except (ValueError, RecursionError):
            continue
        if "score" not in found:
            return Unscored("The judge's JSON has no score.")
        values = [_value(value) for value in seen]
        value = values[0]
        if value is None or any(other != value for other in values):
            return Unscored("The judge's JSON has no score of -1, 0 or 1, or more than one.")
        if _contradicted(body[:start], value):
            return Unscored("The judge's reply names two different scores.")
        reason = found.get("reason")
        return Vote(value, _sentence(reason) if isinstance(reason, str) else "")
    return Unscored("The judge's reply is no JSON that can be read.")


def _braces(body: str) -> Iterator[int]:
    """Where an object that ends the reply may begin, the nearest first, and the first of all."""
    position = len(body)
    for _ in range(_TRIED_OBJECTS):
        position = body.rfind("{", 0, position)
        if position < 0:
            return
        yield position
    if (first := body.find("{")) < position:
        yield first


def _in_last_line(body: str) -> Vote | Unscored:
    before, _, line = body.rpartition("\n")
    match = _LINE.fullmatch(line.strip()) if len(line) <= _LONGEST_LINE else None
    if match is None:
        return Unscored("The judge's reply does not end with a score of -1, 0 or 1.")
    value = int(match["value"])
    if _contradicted(before, value):
        return Unscored("The judge's reply names two different scores.")
    return Vote(value, _sentence(before))


def _contradicted(text: str, value: int) -> bool:
    """Whether a score is named in the text that is not this one."""
    numbers = (number for match in _MENTION.finditer(text) for number in _NUMBER.findall(match["rest"]))
    return any(number.lstrip("+") != str(value) for number in numbers)


def _value(value: object) -> int | None:
    if isinstance(value, str) and _VALUE.fullmatch(value.strip()):
        return int(value)
    return value if type(value) is int and value in (FOR, AGAINST, UNDECIDED) else None


def _sentence(text: str) -> str:
    """A judge's words on one line, cut, without what does not print."""
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return line if len(line) <= REASON_CHARS else line[: REASON_CHARS - 1] + "…"
