"""What the user says of the round before."""

from __future__ import annotations

from metaclaw_jlab.evaluation.metaclaw_bench.format import FileCheck, Round
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import RoundResult

MARK = "[Previous Feedback]"
_NO_ANSWER = r"No answer was found in your reply. Give it as \bbox{A}, or as \bbox{A,B} for several options."


def feedback_text(round_: Round, result: RoundResult) -> str:
    """The round's own feedback: of a wrong multiple choice the lines of the options that were missed or wrongly
    selected, in the options' order."""
    if result.right:
        return round_.when_right
    if isinstance(round_, FileCheck):
        return round_.when_wrong
    if result.selected is None:
        return _NO_ANSWER
    wrong = round_.answer ^ set(result.selected)
    lines = [round_.lines[option] for option in round_.options if option in wrong]
    return "\n".join(
        [*lines, *(f"There is no option {letter}." for letter in sorted(wrong - round_.options.keys()))]
    )


def with_feedback(feedback: str, question: str) -> str:
    """A question with the feedback on the round before it, if there is any."""
    return f"{alone(feedback)}\n\n{question}" if feedback else question


def alone(feedback: str) -> str:
    """The feedback as a message of its own, at the end of a day."""
    return f"{MARK} {feedback}"
