"""Files that a task starts from: those beside the file that it is written in, under a cap."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from metaclaw_jlab.core.errors import TaskSetInvalid
from metaclaw_jlab.evaluation.task_sets.records import inside

_QUOTED = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"|`([^`\n]+)`")
_WORD = re.compile(r"[^\s'\"`()\[\]{},;=<>|*?]+")


class Attachments:
    """The files of one folder, each read once. `cap` is the most bytes that one task may start from."""

    def __init__(self, folder: Path, cap: int) -> None:
        self._folder = folder.resolve()
        self._cap = cap
        self._read: dict[str, bytes] = {}

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """The contents by name. Raises TaskSetInvalid where one is missing or elsewhere, or all are too large."""
        found = {name: self._content(name) for name in names}
        self.require_small(found.values())
        return found

    def require_small(self, contents: Iterable[bytes]) -> None:
        """Raises TaskSetInvalid where these are more than one task may start from."""
        if sum(map(len, contents)) > self._cap:
            raise TaskSetInvalid(
                f"The files of a task are over {self._cap / 1e6:g} MB.",
                "Use smaller ones, or raise training.start_mb.",
            )

    def named_in(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The files of the folder whose relative names stand in the texts, as they stand there."""
        words: dict[str, None] = {}
        for text in texts:
            for quoted in _QUOTED.findall(text):
                words.setdefault("".join(quoted))
            for word in _WORD.findall(text):
                words.setdefault(word)
                words.setdefault(word.rstrip(".:!"))
        return tuple(word for word in words if self._is_file(word))

    def _is_file(self, name: str) -> bool:
        return inside(name) and self._place(name) is not None

    def _place(self, name: str) -> Path | None:
        try:
            path = (self._folder / name).resolve()
            return path if path.is_relative_to(self._folder) and path.is_file() else None
        except (OSError, ValueError):
            return None

    def _content(self, name: str) -> bytes:
        if name not in self._read:
            path = self._place(name)
            if path is None:
                raise TaskSetInvalid(
                    f"There is no file {name} in {self._folder.name}.",
                    "Put it beside the tasks, not elsewhere.",
                )
            self._read[name] = self._bytes(name, path)
        return self._read[name]

    def _bytes(self, name: str, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                content = file.read(self._cap + 1)
        except OSError as error:
            raise TaskSetInvalid(
                f"{name} cannot be read: {error.strerror}.", "Make it readable, or leave it out."
            ) from error
        self.require_small([content])
        return content
