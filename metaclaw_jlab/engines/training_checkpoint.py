"""Checkpoints of a training that are whole or not there: sealed by a manifest that is written last."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from metaclaw_jlab.runtime.home import replace_private

MANIFEST = "manifest.json"
ASIDE = "unsealed"
KEPT = 2
_NAME = re.compile(r"checkpoint-(\d+)")
_CHUNK = 1 << 20


class Sealing(TrainerCallback):
    """Moves what transformers' Trainer has saved into `folder`, sealed, and keeps the last two.

    The trainer's `output_dir` is `aside(folder)`, on the same disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_save(self, args: Any, state: Any, control: Any, **_: object) -> None:  # noqa: ARG002
        """Called by the trainer after it has written a checkpoint."""
        name = f"checkpoint-{state.global_step}"
        seal(Path(args.output_dir) / name, self._folder / name)
        prune(self._folder)


def aside(folder: Path) -> Path:
    """Where checkpoints are written before they are whole; emptied by the next training."""
    return folder / ASIDE


def seal(draft: Path, target: Path) -> None:
    """Write down what a checkpoint consists of and put it in its place in one step."""
    manifest = {path: _entry(draft / path) for path in _files(draft)}
    for path in manifest:
        _sync(draft / path)
    replace_private(draft / MANIFEST, json.dumps(manifest, indent=1))
    target.parent.mkdir(parents=True, exist_ok=True)
    put(draft, target)
    _sync(target.parent)


def put(draft: Path, target: Path) -> Path:
    """Put a folder that is whole in its place, instead of what is there."""
    if target.exists():
        shutil.rmtree(target)
    return draft.rename(target)


def whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is as it was sealed."""
    try:
        manifest: dict[str, dict[str, object]] = json.loads((checkpoint / MANIFEST).read_text("utf-8"))
        return bool(manifest) and all(_entry(checkpoint / path) == entry for path, entry in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def newest(folder: Path) -> Path | None:
    """The newest checkpoint that is whole; damaged ones are passed over."""
    return next((found for found in _newest_first(folder) if whole(found)), None)


def step_of(checkpoint: Path | None) -> int:
    """After how many steps a checkpoint was made; 0 where there is none."""
    match = _NAME.fullmatch(checkpoint.name) if checkpoint is not None else None
    return int(match[1]) if match else 0


def steps_kept(folder: Path) -> int:
    """The step of the newest checkpoint by its name alone, without reading it."""
    return max(map(step_of, _newest_first(folder)), default=0)


def prune(folder: Path, keep: int = KEPT) -> None:
    """Delete all but the newest checkpoints."""
    for old in _newest_first(folder)[keep:]:
        shutil.rmtree(old, ignore_errors=True)


def forget(folder: Path) -> None:
    """Delete every checkpoint: the training begins anew."""
    shutil.rmtree(folder, ignore_errors=True)


def _newest_first(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=step_of, reverse=True)


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    )


def _entry(path: Path) -> dict[str, object]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return {"sha256": digest.hexdigest(), "bytes": size}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
