"""What a start state is: what a task needs from its session, so that it can be done again somewhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from metaclaw_jlab.core.executor import Executor
from metaclaw_jlab.core.task import Task


@dataclass(frozen=True, slots=True)
class StartState:
    """Files by path relative to the working folder, and pickled objects by name.

    `practice` is the practice task as JSON text, where the task is one: it brings its own files and checks.
    """

    files: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    objects: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    practice: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all files and objects."""
        return sum(map(len, self.files.values())) + sum(map(len, self.objects.values()))

    @property
    def sha256(self) -> str:
        """Hash of the whole state."""
        digest = hashlib.sha256((self.practice or "").encode())
        for kind, entries in (("file", self.files), ("object", self.objects)):
            for name, content in sorted(entries.items()):
                head = f"\x00{kind}\x00{name}\x00{len(content)}\x00"
                digest.update(head.encode(errors="surrogatepass") + content)
        return digest.hexdigest()


class Rooms(Protocol):
    """Opens places where model-written code can run without harm, each at the start of a task."""

    def open(self, start: StartState, task: Task) -> Executor:
        """A new place at this start; the caller closes it. Raises ExecutorError."""

    def isolated(self) -> bool:
        """Whether what runs in them cannot reach the user's files and network."""
