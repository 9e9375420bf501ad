"""Reads a day's `questions.json`: its rounds, held against what they have to be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from metaclaw_jlab.evaluation.metaclaw_bench.faults import Place
from metaclaw_jlab.evaluation.metaclaw_bench.format import CHECK_SECONDS, FileCheck, MultiChoice, Round

_TYPES = "file_check or multi_choice"


def read_rounds(found: object, place: Place) -> tuple[str, tuple[Round, ...]]:
    """The group's id and its rounds: of an object, or of a list with one object."""
    if isinstance(found, list):
        if len(found) != 1:
            place.fault(f"It holds {len(found)} groups of rounds.", "Leave one: a day is one conversation.")
            return "", ()
        found = found[0]
    if not isinstance(found, dict):
        place.fault("It is no object.", "Write an object of `id`, `desc` and `rounds`.")
        return "", ()
    group = place.text(found, "id")
    entries = place.value(found, "rounds", list)
    if entries == []:
        place.fault("`rounds` is empty.", "Write at least one round.")
    rounds = [
        round_
        for number, entry in enumerate(entries or (), 1)
        if (round_ := _round(entry, number, place)) is not None
    ]
    seen: set[str] = set()
    for one in rounds:
        if one.id in seen:
            place.at(round_=one.id).fault("Another round has the same `id`.", "Give each one of its own.")
        seen.add(one.id)
    return group or "", tuple(rounds)


def _round(entry: object, number: int, place: Place) -> Round | None:
    if not isinstance(entry, dict):
        place.at(round_=f"round {number}").fault("It is no object.", "Write an object.")
        return None
    named = entry.get("id")
    place = place.at(round_=named if isinstance(named, str) and named else f"round {number}")
    id_, kind = place.text(entry, "id"), place.text(entry, "type")
    question = place.text(entry, "question")
    feedback, scoring = place.value(entry, "feedback", dict), place.value(entry, "eval", dict)
    if entry.get("update"):
        place.fault(
            "`update` changes the workspace or the session before the round, which is not carried out here.",
            "Leave the day out with --days, or take the update out.",
        )
    if kind is None or feedback is None or scoring is None:
        return None
    match kind:
        case "file_check":
            return _file_check(id_ or "", question or "", feedback, scoring, place)
        case "multi_choice":
            return _multi_choice(id_ or "", question or "", feedback, scoring, place)
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
    """The letters of the right options: a list of letters, or a text such as "A,B"."""
    given = scoring.get("answer")
    letters = re.split(r"[\s,]+", given.strip()) if isinstance(given, str) else given
    if not isinstance(letters, list) or not letters or not all(isinstance(letter, str) for letter in letters):
        place.fault(f"`eval.answer` is {given!r}.", "Make it a list with the letter of each right option.")
        return frozenset()
    unknown = sorted(set(letters) - options.keys())
    if unknown:
        place.fault(
            f"`eval.answer` names {', '.join(map(repr, unknown))}, which `eval.options` does not have.",
            "Add the option, or take it out of the answer.",
        )
    return frozenset(letters)
