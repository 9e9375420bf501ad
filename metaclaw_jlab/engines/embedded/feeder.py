"""Batches made in a process of their own, so that training never waits for data."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import PracticeError
from metaclaw_jlab.engines.embedded.samples import Batch

_AHEAD = 160  # batches kept ready: more than two pools, so that drawing one never shows
_WAIT_SECONDS = 5.0


@contextmanager
def feeding(tokenizer: Path, seed: int, start: int, how: Mapping[str, Any]) -> Iterator[Iterator[Batch]]:
    """The batches from number `start` on, in order. Raises PracticeError where the process that makes them dies."""
    context = multiprocessing.get_context("spawn")
    ready: multiprocessing.Queue[Batch] = context.Queue(_AHEAD)
    process = context.Process(target=_feed, args=(ready, str(tokenizer), seed, start, dict(how)), daemon=True)
    process.start()
    try:
        yield _drain(ready, process)
    finally:
        process.terminate()
        process.join()
        ready.close()


def _drain(ready: multiprocessing.Queue[Batch], process: Any) -> Iterator[Batch]:
    while True:
        try:
            yield ready.get(timeout=_WAIT_SECONDS)
        except queue.Empty:
            if not process.is_alive():
                raise PracticeError(
                    "The process that makes training data ended.",
                    "See the error above; then run the build again.",
                ) from None


def _feed(ready: Any, tokenizer: str, seed: int, start: int, how: dict[str, Any]) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from transformers import AutoTokenizer

    from metaclaw_jlab.engines.embedded.samples import endless_batches

    for batch in endless_batches(AutoTokenizer.from_pretrained(tokenizer), seed, start, **how):
        ready.put(batch)
