"""How many requests at once a model is given, with how much context, in the memory that is free."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines.llama_cpp.gguf_header import GgufHeader
from metaclaw_jlab.policies.catalogue import WORK_BYTES
from metaclaw_jlab.runtime.memory import memory

SLOT_TOKENS = 4096
USUAL_TOKEN_BYTES = 128 * 1024  # of a model of some 8 thousand million parameters, where a file does not say


@dataclass(frozen=True, slots=True)
class Capacity:
    """`slots` requests are decoded at once, each with a context of `slot_tokens`."""

    slots: int
    slot_tokens: int


def capacity(path: Path, header: GgufHeader, slots: int, context: int, available: int) -> Capacity:
    """What fits `available` bytes: fewer slots than wanted where it must be, at least one. Raises ModelUnusable.

    `context` is wanted for each slot, 0 for the usual; a model's own context is never passed.
    """
    tokens = min(context or SLOT_TOKENS, header.context or SLOT_TOKENS)
    fixed = path.stat().st_size + WORK_BYTES
    of_slot = tokens * (header.token_bytes or USUAL_TOKEN_BYTES)
    while slots > 1 and fixed + slots * of_slot > available:
        slots //= 2
    if fixed + slots * of_slot > available:
        needed = (fixed + of_slot) / 2**30
        raise ModelUnusable(
            f"{path.name} needs {needed:.1f} GiB of memory, and {available / 2**30:.1f} GiB are free.",
            "End other programs, or take a smaller model: metaclaw models list.",
        )
    return Capacity(slots, tokens)


def free_memory() -> int:
    """Bytes that a new process could have, in the container where there is one."""
    return memory().available


def physical_cores() -> int:
    """The cores that this process may use; two threads of one core would wait for each other."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))
