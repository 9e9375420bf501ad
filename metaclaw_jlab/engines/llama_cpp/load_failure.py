"""Why llama.cpp did not load a model, in one sentence, from what it wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from metaclaw_jlab.core.errors import ModelUnusable

_STAMP = re.compile(r"^[\d.]+ [A-Z] +")
_UNKNOWN = re.compile(r"unknown (?:model architecture: '([^']*)'|pre-tokenizer type: '([^']*)')")
_TOO_LITTLE = re.compile(
    r"failed to allocate|unable to allocate|out of memory|bad_alloc|alloc_buffer", re.IGNORECASE
)
_DAMAGED = re.compile(
    r"corrupted or incomplete|invalid magic|failed to read|failed to open GGUF|not within the file"
)
_ADAPTER = re.compile(r"lora", re.IGNORECASE)
_SAID = re.compile(r"error|fail", re.IGNORECASE)


def load_failure(name: str, path: Path, lines: Sequence[str], code: int | None) -> ModelUnusable:
    """The error for a process that wrote `lines` and ended with `code` while it loaded `path`."""
    said = [_STAMP.sub("", line).strip() for line in lines]
    text = "\n".join(said)
    if not path.is_file():
        return ModelUnusable(f"The file {path} of {name} is gone.", "Get it again, or take another model.")
    if unknown := _UNKNOWN.search(text):
        kind = f"architecture {unknown[1]}" if unknown[1] is not None else f"tokenizer {unknown[2]}"
        return ModelUnusable(
            f"llama.cpp does not know the {kind} of {name}.",
            "Take another model, or a newer runtime: pip install -U xllamacpp.",
        )
    if _TOO_LITTLE.search(text) or code == -9:
        return ModelUnusable(
            f"The memory does not hold {name}.",
            "End other programs, or take a smaller model: metaclaw models list.",
        )
    if _DAMAGED.search(text) and not _ADAPTER.search(text):
        return ModelUnusable(f"{path} is damaged or cut off.", "Get it again.")
    reason = next(
        (line for line in said if _SAID.search(line)), said[-1] if said else f"it ended with code {code}"
    )
    return ModelUnusable(
        f"llama.cpp cannot load {name}: {reason}.",
        "Take another model, or a newer runtime: pip install -U xllamacpp.",
    )
