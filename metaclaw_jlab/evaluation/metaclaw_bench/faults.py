"""What is wrong with a copy of the benchmark, each fault with its place and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from metaclaw_jlab.core.errors import BenchmarkInvalid


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `day` and `round` are empty where it concerns none."""

    file: str
    day: str
    round: str
    cause: str
    next_step: str

    def __str__(self) -> str:
        place = ", ".join(word for word in (self.day, self.round) if word)
        return f"{self.file}{f' ({place})' if place else ''}: {self.cause} {self.next_step}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one reads, and the faults found so far; narrower places share them."""

    file: str
    day: str = ""
    round: str = ""
    faults: list[Fault] = field(default_factory=list)

    def at(self, *, file: str | None = None, day: str | None = None, round_: str | None = None) -> Place:
        """A narrower or another place."""
        return replace(
            self,
            file=self.file if file is None else file,
            day=self.day if day is None else day,
            round=self.round if round_ is None else round_,
        )

    def fault(self, cause: str, next_step: str) -> None:
        """Note a fault of this place."""
        self.faults.append(Fault(self.file, self.day, self.round, cause, next_step))

    def value(self, source: Mapping[str, Any], key: str, kind: type, *, inside: str = "") -> Any:
        """The value of a key, or a fault and None where it is missing or of another type."""
        name = f"{inside}.{key}" if inside else key
        if key not in source:
            self.fault(f"`{name}` is missing.", f"Add it, {_kind(kind)}.")
            return None
        value = source[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fault(f"`{name}` is {type(value).__name__}, not {_kind(kind)}.", f"Make it {_kind(kind)}.")
            return None
        return value

    def text(self, source: Mapping[str, Any], key: str, *, inside: str = "") -> str | None:
        """The value of a key that must be a text with something in it, or a fault and None."""
        value: str | None = self.value(source, key, str, inside=inside)
        if isinstance(value, str) and not value.strip():
            self.fault(f"`{f'{inside}.{key}' if inside else key}` is empty.", "Write it.")
            return None
        return value


def fault_report(faults: Sequence[Fault]) -> str:
    """A line for each fault, under a line that counts them; one that says so where there is none."""
    if not faults:
        return "No fault was found."
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n".join([f"{count} in the benchmark's files:", *(f"- {fault}" for fault in faults)])


def refuse(faults: Sequence[Fault]) -> None:
    """Raises BenchmarkInvalid with the report where there is a fault."""
    if faults:
        raise BenchmarkInvalid(
            fault_report(faults), "Mend them, or leave days out that have faults of their own with --days."
        )


def _kind(kind: type) -> str:
    names = {str: "a text", int: "a whole number", dict: "an object", list: "a list", bool: "true or false"}
    return names.get(kind, kind.__name__)
