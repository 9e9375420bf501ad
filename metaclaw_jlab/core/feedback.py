"""What feedback is: something a user said or did about a task, after its prompt was built."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FeedbackKind(StrEnum):
    """How the user let it be known."""

    GOOD = "good"
    BAD = "bad"
    EDITED = "edited"  # the proposal was changed before it ran
    REJECTED = "rejected"  # the proposal was turned down before it ran


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback on a trajectory. `text` is the reason in the user's words, or the code that ran where it was edited."""

    trajectory: str
    kind: FeedbackKind
    text: str = ""
    at: float = 0.0
