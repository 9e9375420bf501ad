"""Reads a day's `questions.json`: its rounds, held against what they have to be.

It holds one group of rounds, or a list of groups, which share the day's conversation and workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from metaclaw_jlab.evaluation.metaclaw_bench.faults import Place
from metaclaw_jlab.evaluation.metaclaw_bench.format import CHECK_SECONDS, FileCheck, MultiChoice, Round
from metaclaw_jlab.evaluation.metaclaw_bench.updates import read_updates

_TYPES = "file_check or multi_choice"


@dataclass(frozen=True, slots=True)
class Context:
    """What a day's rounds refer to: the folder of their updates' sources, and the name of the day's session."""

    sources: Path
    session: str


def read_rounds(found: object, context: Context, place: Place) -> tuple[Round, ...]:
    """The rounds of an object, or of a list of objects, each of which is a group."""
    listed = found if isinstance(found, list) else [found]
    if not listed:
        place.fault("It holds no group of rounds.", "Write an object of `id`, `desc` and `rounds`.")
    groups = [_group(one, context, place) for one in listed]
    ids = [group for group, _ in groups]
    if twice := sorted({group for group in ids if ids.count(group) > 1}):
        place.fault(f"Two groups have the `id` {twice[0]!r}.", "Give each one of its own.")
    if len(groups) == 1:
        return groups[0][1]
    return tuple(replace(one, id=f"{group}/{one.id}") for group, rounds in groups for one in rounds)


def _group(found: object, context: Context, place: Place) -> tuple[str, tuple[Round, ...]]:
    if not isinstance(found, dict):
        place.fault("It is no object.", "Write an object of `id`, `desc` and `rounds`.")
        return "", ()
    group = place.text(found, "id") or ""
    entries = place.value(found, "rounds", list)
    if entries == []:
        place.fault("`rounds` is empty.", "Write at least one round.")
    rounds = [
        replace(round_, group=group)
        for number, entry in enumerate(entries or (), 1)
        if (round_ := _round(entry, number, context, place)) is not None
    ]
    seen: set[str] = set()
    for one in rounds:
        if one.id in seen:
            place.at(round_=one.id).fault("Another round has the same `id`.", "Give each one of its own.")
        seen.add(one.id)
    return group, tuple(rounds)


def _round(entry: object, number: int, context: Context, place: Place) -> Round | None:
    if not isinstance(entry, dict):
        place.at(round_=f"round {number}").fault("It is no object.", "Write an object.")
        return None
    named = entry.get("id")
    place = place.at(round_=named if isinstance(named, str) and named else f"round {number}")
    id_, kind = place.text(entry, "id"), place.text(entry, "type")
    question = place.text(entry, "question")
    feedback, scoring = place.value(entry, "feedback", dict), place.value(entry, "eval", dict)
    updates = read_updates(entry.get("update"), context.sources, context.session, place)
    if kind is None or feedback is None or scoring is None:
        return None
    match kind:
        case "file_check":
            return replace(_file_check(id_ or "", question or "", feedback, scoring, place), updates=updates)
        case "multi_choice":
            return replace(
                _multi_choice(id_ or "", question or "", feedback, scoring, place), updates=updates
            )
    place.fault(f"`type` is {kind!r}.", f"Make it {_TYPES}.")
    return None


def _file_check(
    id_: str, question: str, feedback: Mapping[str, Any], scoring: Mapping[str, Any], place: Place
) -> FileCheck:
    command = place.text(scoring, "command", inside="eval")
    expected = place.value({"expect_exit": 0, **scoring}, "expect_exit", int, inside="eval")
    stdout = (
        None
        if scoring.get("expect_stdout") is None
        else place.value(scoring, "expect_stdout", str, inside="eval")
    )
    pattern = place.value(
        {"expect_stdout_regex": False, **scoring}, "expect_stdout_regex", bool, inside="eval"
    )
    if stdout is not None and pattern:
        try:
            re.compile(stdout)
        except re.error as error:
            place.fault(f"`eval.expect_stdout` is no pattern: {error}.", "Mend it.")
    return FileCheck(
        id=id_,
        question=question,
        command=command or "",
        when_right=place.text(feedback, "correct", inside="feedback") or "",
        when_wrong=place.text(feedback, "incorrect", inside="feedback") or "",
        expect_exit=expected or 0,
        stdout=stdout,
        stdout_is_pattern=bool(pattern),
        seconds=_seconds(scoring, place),
    )


def _seconds(scoring: Mapping[str, Any], place: Place) -> float:
    seconds = scoring.get("timeout", CHECK_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= CHECK_SECONDS:
        place.fault(
            f"`eval.timeout` is {seconds!r}; a check runs {CHECK_SECONDS:g} s at most.",
            f"Make it a number above 0 and up to {CHECK_SECONDS:g}, or leave it out.",
        )
        return CHECK_SECONDS
    return float(seconds)


def _multi_choice(
    id_: str, question: str, feedback: Mapping[str, Any], scoring: Mapping[str, Any], place: Place
) -> MultiChoice:
    options = place.value(scoring, "options", dict, inside="eval") or {}
    for letter in options:
        if not re.fullmatch("[A-Z]", letter):
            place.fault(
                f"`eval.options` has an option {letter!r}, which no answer can name.",
                "Use capital letters A to Z.",
            )
    lines = place.value(feedback, "options", dict, inside="feedback") or {}
    for letter in options:
        if not isinstance(lines.get(letter), str):
            place.fault(f"`feedback.options` has no line for option {letter}.", "Add it.")
    return MultiChoice(
        id=id_,
        question=question,
        options={letter: str(text) for letter, text in options.items()},
        answer=_answer(scoring, options, place),
        when_right=place.text(feedback, "correct", inside="feedback") or "",
        lines={letter: str(line) for letter, line in lines.items()},
    )


def _answer(scoring: Mapping[str, Any], options: Mapping[str, Any], place: Place) -> frozenset[str]:
    """The letters of the right options: every letter of a list's texts, or of a text such as "A,B"."""
    given = scoring.get("answer")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        texts = []
    letters = frozenset(letter.upper() for text in texts for letter in re.findall("[A-Za-z]", text))
    if not letters:
        place.fault(f"`eval.answer` is {given!r}.", "Make it a list with the letter of each right option.")
    if unknown := sorted(letters - options.keys()):
        place.fault(
            f"`eval.answer` names {', '.join(map(repr, unknown))}, which `eval.options` does not have.",
            "Add the option, or take it out of the answer.",
        )
    return letters
