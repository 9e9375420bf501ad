"""The manifest of a working copy: the generation that it was last written for, whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.generation import SkillGeneration
from metaclaw_jlab.runtime.home import write_private

FILE_NAME = ".manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`members` maps the names of the skills that the folder then held to their content hashes in the store."""

    generation: int
    members: Mapping[str, str]


def manifest_of(generation: SkillGeneration) -> Manifest:
    """The manifest of a whole copy."""
    return Manifest(generation.number, dict(generation.members))


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in a folder; None where there is none, or none that can be used."""
    try:
        value: object = json.loads((folder / FILE_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    match value:
        case {"generation": int(generation), "members": dict(members)}:
            return Manifest(generation, members)
    return None


def write_manifest(folder: Path, manifest: Manifest, draft: Path) -> None:
    """Write it in one step (mode 0600), by way of the file `draft`. Raises OSError."""
    value = {"generation": manifest.generation, "members": dict(sorted(manifest.members.items()))}
    write_private(draft, json.dumps(value, indent=1) + "\n")
    os.replace(draft, folder / FILE_NAME)


def manifest_signature(folder: Path) -> tuple[int, ...] | None:
    """What changes whenever the manifest is written; None where there is none."""
    try:
        status = os.stat(folder / FILE_NAME)
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
