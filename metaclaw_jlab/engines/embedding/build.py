"""Makes the shipped embedder: rows that bring the two texts of a pair together and keep other texts apart."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch.nn import functional

from metaclaw_jlab.engines.embedding.pairs import Pair, Pairs
from metaclaw_jlab.practice import splits_sha256
from metaclaw_jlab.skills.shipped_embedder import (
    FILE,
    GROUP_ROWS,
    WORD_ROWS,
    save_rows,
    telling_words,
    word_rows,
)

_TEMPERATURE = 0.07
_WORD_DROPOUT = 0.15
_LEARNING_RATE = 0.03
_SHOWN_EVERY = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a build is made by; the same recipe, libraries and processor make the same file."""

    seed: int = 1
    dimensions: int = 80
    steps: int = 1500
    pairs: int = 512


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did."""

    output: str
    bytes: int
    sha256: str
    dimensions: int
    steps: int
    seconds: float
    loss: float
    python: str
    torch: str
    splits_sha256: str


DEFAULT_RECIPE = Recipe()


def build(
    output: Path = FILE,
    *,
    recipe: Recipe = DEFAULT_RECIPE,
    say: Callable[[str], None] = lambda _: None,
) -> Built:
    """Make the embedder and write it to `output`, with a record of it beside it (`.json`).

    The libraries' documentation is read as they are installed, so that other versions make a slightly other file.
    """
    begun = time.monotonic()
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    rng = Random(f"embedder/{recipe.seed}")
    pairs = Pairs(rng)
    rows = torch.nn.Parameter(torch.randn(WORD_ROWS + GROUP_ROWS, recipe.dimensions) / recipe.dimensions**0.5)
    optimiser = torch.optim.Adagrad([rows], lr=_LEARNING_RATE)
    smoothed = 0.0
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = _LEARNING_RATE * (1 - step / recipe.steps)
        batch = pairs.batch(recipe.pairs)
        loss = contrast(
            embedded(rows, [pair.one for pair in batch], rng),
            embedded(rows, [pair.other for pair in batch], rng),
            shared(batch),
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        smoothed = loss.item() if step == 0 else 0.98 * smoothed + 0.02 * loss.item()
        if (step + 1) % _SHOWN_EVERY == 0:
            say(f"step {step + 1} of {recipe.steps}, loss {smoothed:.3f}, {time.monotonic() - begun:.0f} s")
    save_rows(rows.detach().numpy(), output)
    built = Built(
        output=str(output),
        bytes=output.stat().st_size,
        sha256=hashlib.sha256(output.read_bytes()).hexdigest(),
        dimensions=recipe.dimensions,
        steps=recipe.steps,
        seconds=round(time.monotonic() - begun, 1),
        loss=round(smoothed, 4),
        python=platform.python_version(),
        torch=torch.__version__,
        splits_sha256=splits_sha256(),
    )
    record = {name: value for name, value in asdict(built).items() if name != "output"} | asdict(recipe)
    output.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return built


def embedded(rows: Any, texts: Sequence[str], rng: Random) -> Any:
    """Vectors of length 1, as `ShippedEmbedder` has them, but that words are left out by chance."""
    indices: list[int] = []
    weights: list[float] = []
    offsets: list[int] = []
    for text in texts:
        offsets.append(len(indices))
        every = telling_words(text)
        kept = [word for word in every if rng.random() >= _WORD_DROPOUT] or every
        for word in kept:
            own, groups = word_rows(word)
            indices += (own, *groups)
            weights += (1.0, *(1 / len(groups) for _ in groups))
    total = functional.embedding_bag(
        torch.tensor(indices),
        rows,
        torch.tensor(offsets),
        mode="sum",
        per_sample_weights=torch.tensor(weights),
    )
    return functional.normalize(total, dim=1)


def contrast(ones: Any, others: Any, related: Any) -> Any:
    """Symmetric InfoNCE (van den Oord et al. 2018); pairs that share a topic are no counterexamples."""
    scores = (ones @ others.T / _TEMPERATURE).masked_fill(related, float("-inf"))
    targets = torch.arange(len(scores))
    return (functional.cross_entropy(scores, targets) + functional.cross_entropy(scores.T, targets)) / 2


def shared(batch: Sequence[Pair]) -> Any:
    """For each two different pairs whether they share a topic."""
    numbers = {
        topic: number for number, topic in enumerate(sorted({t for pair in batch for t in pair.topics}))
    }
    held = torch.zeros(len(batch), len(numbers))
    for row, pair in enumerate(batch):
        held[row, [numbers[topic] for topic in pair.topics]] = 1
    return (held @ held.T > 0).fill_diagonal_(False)
