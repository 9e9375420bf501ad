"""A practice task: what is asked, the files it starts from, and the house rules that apply to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """One sub-task: its family, the variant of it, its parameters (JSON values) and the wording used."""

    family: str
    variant: str
    params: Mapping[str, Any]
    wording: str


@dataclass(frozen=True, slots=True)
class PracticeTask:
    """A task of the practice world; `rules` in the fixed global order, `options` one per applying rule. The outcome of
    a `misjudged` one is reported the wrong way round (see practice.misjudging), which only ablations want."""

    id: str
    family: str
    text: str
    files: Mapping[str, str]
    rules: tuple[str, ...]
    options: Mapping[str, str]
    parts: tuple[Part, ...]
    split: str
    misjudged: bool = False

    @property
    def compound(self) -> bool:
        """Whether the task has two parts, to be done in two steps."""
        return len(self.parts) > 1


def to_dict(task: PracticeTask) -> dict[str, Any]:
    """The task as JSON values; one that is not misjudged does not say so."""
    parts = [
        {"family": p.family, "variant": p.variant, "params": dict(p.params), "wording": p.wording}
        for p in task.parts
    ]
    return {
        "id": task.id,
        "family": task.family,
        "text": task.text,
        "files": dict(task.files),
        "rules": list(task.rules),
        "options": dict(task.options),
        "parts": parts,
        "split": task.split,
        **({"misjudged": True} if task.misjudged else {}),
    }


def from_dict(data: Mapping[str, Any]) -> PracticeTask:
    """The task that `to_dict` wrote."""
    return PracticeTask(
        id=data["id"],
        family=data["family"],
        text=data["text"],
        files=dict(data["files"]),
        rules=tuple(data["rules"]),
        options=dict(data["options"]),
        parts=tuple(Part(p["family"], p["variant"], dict(p["params"]), p["wording"]) for p in data["parts"]),
        split=data["split"],
        misjudged=data.get("misjudged", False),
    )
