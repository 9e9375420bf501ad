"""What a task is: what the user asked, what it refers to, and how it is checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum


class CheckKind(StrEnum):
    """How a check is carried out, always after the task's code, in its namespace and working folder."""

    EXPRESSION = "expression"  # a Python expression that must be true
    SCRIPT = "script"  # Python source that must not raise; an AssertionError's message is the feedback
    COMMAND = "command"  # a shell command that must exit 0; its output is the feedback
    FILE = "file"  # a path that must exist


@dataclass(frozen=True, slots=True)
class Check:
    """Something that holds when the task was done right. `source` is the expression, script, command or path."""

    kind: CheckKind
    source: str
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether a check held, and a sentence that says what was wrong where it did not."""

    check: Check
    passed: bool
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """Something of the session that the task names (`@df`, `@In[3]`); `text` is all that is sent of it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a task was asked: None where the front end does not tell."""

    notebook: str | None = None
    cell_id: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What the user asked. Its identity is where it was asked and the hash of its normalised text."""

    text: str
    references: tuple[Reference, ...] = ()
    checks: tuple[Check, ...] = ()
    origin: Origin = field(default_factory=Origin)
    name: str | None = None

    @property
    def text_sha256(self) -> str:
        """Hash of the text with white space folded and case ignored."""
        return hashlib.sha256(
            " ".join(self.text.split()).casefold().encode(errors="surrogatepass")
        ).hexdigest()

    @property
    def identity(self) -> tuple[str | None, str | None, str]:
        """Notebook, cell id and text hash."""
        return (self.origin.notebook, self.origin.cell_id, self.text_sha256)
