"""The bounds of one sandbox."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one sandbox. Memory is what may be added to the warm process that it is forked from."""

    memory_bytes: int
    disk_bytes: int
    cpu_seconds: int
    processes: int = 128
    open_files: int = 256
