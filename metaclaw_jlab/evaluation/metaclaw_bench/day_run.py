"""A day of the benchmark run against anything that answers: one conversation, one workspace, in order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer, run_check
from metaclaw_jlab.evaluation.metaclaw_bench.feedback import alone, feedback_text, with_feedback
from metaclaw_jlab.evaluation.metaclaw_bench.format import Day, FileCheck, Round
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult, RoundResult, score_choice
from metaclaw_jlab.evaluation.metaclaw_bench.workspaces import copy_workspace

Conversation = tuple[Message, ...]
Answer = Callable[[Conversation, Path], str]


def run_day(day: Day, answer: Answer, shared: Path, scorer: Scorer) -> DayResult:
    """Run a day's rounds and send the last feedback. `answer` gets the conversation, which ends with the user's
    message, and the workspace, which it may change; its reply joins the conversation.

    A MetaclawError from `answer` is noted as the round's failure: the round is scored on an empty reply and on the
    workspace as it is, and the day goes on. Raises ExecutorError where checks cannot be run, OSError.
    """
    with tempfile.TemporaryDirectory(prefix="metaclaw-day-", ignore_cleanup_errors=True) as folder:
        workspace = Path(folder) / "workspace"
        copy_workspace(shared, day.id, workspace)
        talk, feedback, results = day.opening, "", []
        for round_ in day.rounds:
            talk = (*talk, Message("user", with_feedback(feedback, round_.question)))
            began = time.monotonic()
            reply, failure = _asked(answer, talk, workspace)
            if reply:
                talk = (*talk, Message("assistant", reply))
            result = _scored(round_, reply, failure, time.monotonic() - began, workspace, scorer)
            feedback = feedback_text(round_, result)
            results.append(result)
        if feedback:
            _asked(answer, (*talk, Message("user", alone(feedback))), workspace)
    return DayResult(day.id, tuple(results))


def _asked(answer: Answer, talk: Conversation, workspace: Path) -> tuple[str, str | None]:
    try:
        return answer(talk, workspace), None
    except MetaclawError as error:
        return "", str(error)


def _scored(
    round_: Round, reply: str, failure: str | None, seconds: float, workspace: Path, scorer: Scorer
) -> RoundResult:
    if not isinstance(round_, FileCheck):
        return score_choice(round_, reply, failure=failure, seconds=seconds)
    check = run_check(round_, workspace, scorer)
    return RoundResult(
        round=round_.id,
        kind=round_.kind,
        score=float(check.passed),
        right=check.passed,
        reply=reply,
        check=check,
        failure=failure,
        seconds=seconds,
    )
