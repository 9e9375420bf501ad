"""Judges what really happened when a task's code ran, with the standard library alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise, product
from typing import Any

from metaclaw_jlab.practice.families import FAMILIES
from metaclaw_jlab.practice.families.base import Reading, View
from metaclaw_jlab.practice.feedback import feedback
from metaclaw_jlab.practice.rules import in_order
from metaclaw_jlab.practice.task import PracticeTask

_MOST_LINES = 30
_MOST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running a task left: the exception if one was raised, the printed text, all files, the probes."""

    error: str | None
    stdout: str
    files: Mapping[str, bytes]
    probes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`strict`: the task right and every applying rule obeyed; `broken`: the others; `feedback`: one sentence."""

    ran: bool
    task_right: bool
    strict: bool
    broken: tuple[str, ...]
    feedback: str


def probe(task: PracticeTask) -> str | None:
    """Code that runs after the task's in the same namespace and prints one line of JSON, the outcome's probes."""
    lines = []
    for index, part in enumerate(task.parts):
        ask = FAMILIES[part.family].probe
        if ask is not None:
            lines += [
                "try:",
                f"    _probes['{index}'] = {ask(part.params)}",
                "except Exception:",
                f"    _probes['{index}'] = None",
            ]
    if not lines:
        return None
    return "\n".join(["import json as _json", "_probes = {}", *lines, "print(_json.dumps(_probes))"])


def _changed(task: PracticeTask, outcome: Outcome) -> frozenset[str]:
    kept = {path for path, text in task.files.items() if outcome.files.get(path) == text.encode()}
    return frozenset((set(task.files) | set(outcome.files)) - kept)


def _cuts(lines: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Where the printed lines can be cut into one run for each part."""
    for cut in combinations_with_replacement(range(lines + 1), parts - 1):
        yield (0, *cut, lines)


def _kept(reading: Reading, options: Mapping[str, str]) -> int:
    return sum(options.get(rule) == option for rule, option in reading.options.items())


def _readings(task: PracticeTask, view: View, index: int, outcome: Outcome) -> list[Reading]:
    part = task.parts[index]
    own = View(view.start, view.files, view.changed, view.lines, outcome.probes.get(str(index)))
    return list(FAMILIES[part.family].read(part.params, own))


def _best(task: PracticeTask, outcome: Outcome, view: View) -> tuple[Reading, ...] | None:
    """The readings of all parts that account for every line and change and keep the most rules."""
    found: list[tuple[int, tuple[Reading, ...]]] = []
    for cut in _cuts(len(view.lines), len(task.parts)):
        slices = [view.lines[a:b] for a, b in pairwise(cut)]
        views = [View(view.start, view.files, view.changed, lines) for lines in slices]
        each = [_readings(task, own, index, outcome) for index, own in enumerate(views)]
        for combined in product(*each):
            claimed = frozenset().union(*(reading.claims for reading in combined))
            if claimed == view.changed:
                found.append((sum(_kept(r, task.options) for r in combined), combined))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _wrong(task: PracticeTask, outcome: Outcome, view: View) -> str:
    """What was expected, for the first part that no reading fits."""
    for index, part in enumerate(task.parts):
        slices = [view.lines[a:b] for a in range(len(view.lines) + 1) for b in range(a, len(view.lines) + 1)]
        views = [View(view.start, view.files, view.changed, lines) for lines in slices]
        if not any(_readings(task, own, index, outcome) for own in views):
            return f"expected {FAMILIES[part.family].goal(part.params)}"
    goals = " and ".join(FAMILIES[part.family].goal(part.params) for part in task.parts)
    return f"more was printed or changed than was asked, expected only {goals}"


def check(task: PracticeTask, outcome: Outcome) -> Verdict:
    """The verdict on an outcome. Any legal option of an applying rule leaves the task right."""
    if outcome.error is not None:
        return Verdict(False, False, False, (), f"the code raised {outcome.error}")
    if len(outcome.stdout) > _MOST_CHARACTERS:
        return Verdict(True, False, False, (), "far more was printed than was asked")
    lines = [line for line in outcome.stdout.splitlines() if line.strip()]
    view = View(task.files, outcome.files, _changed(task, outcome), lines)
    if len(lines) > _MOST_LINES:
        return Verdict(True, False, False, (), f"{len(lines)} lines were printed, a few were expected")
    best = _best(task, outcome, view)
    if best is None:
        return Verdict(True, False, False, (), _wrong(task, outcome, view))
    broken = in_order(
        rule
        for reading in best
        for rule, option in reading.options.items()
        if task.options.get(rule) != option
    )
    said = "; ".join(feedback(rule, task.options[rule], task.id) for rule in broken)
    return Verdict(True, True, not broken, broken, said)
