"""Refuses test tasks that were, or are to be, learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metaclaw_jlab.core.errors import LeakFound
from metaclaw_jlab.core.task_set import TaskSet, TrialTask

_SHOWN = 3  # tasks in one message
_CHARS = 60


def refuse_leaks(tasks: TaskSet, learnt: Mapping[str, str]) -> None:
    """Raises LeakFound where a test task has the text of one that is learnt from or chosen on. `learnt` says of texts,
    by their hashes, what was learnt from them."""
    refuse_known(
        tasks.test,
        {
            **learnt,
            **{one.task.text_sha256: "choices are made on it" for one in tasks.validation},
            **{
                one.task.text_sha256: f"it is learnt from on day {one.day}"
                for day in tasks.days
                for one in day
            },
        },
    )


def refuse_known(test: Sequence[TrialTask], known: Mapping[str, str]) -> None:
    """Raises LeakFound where the text of a test task is known, and says why it is; white space and case do not
    count."""
    found = [(one, known[sha256]) for one in test if (sha256 := one.task.text_sha256) in known]
    if not found:
        return
    count = "1 test task is" if len(found) == 1 else f"{len(found)} test tasks are"
    shown = "; ".join(f"{_short(one.task.text)!r} ({one.id}): {why}" for one, why in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise LeakFound(
        f"{count} known to what is measured: {shown}{more}.",
        "Take them out of the test tasks, or ask for something else.",
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CHARS else f"{line[: _CHARS - 3]}..."
