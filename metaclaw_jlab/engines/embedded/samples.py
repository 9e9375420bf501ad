"""Training text of the embedded model: demonstrations of the practice world, told in the agent's own messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import cast

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.agent.prompt import observation_message, opening, skills_block
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.engines.embedded.recipe import Recipe
from metaclaw_jlab.engines.embedded.tokenizer import ASSISTANT, END
from metaclaw_jlab.practice import Demonstration, demonstrate

POOL = 2048  # demonstrations drawn, sorted by length and cut into batches together
_LENGTH_STEP = 16
_LENGTH_JITTER = 8
_PROMPT_SAMPLE = 4  # one prompt token in so many is in the loss, with so many times the weight


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids (rows x length, padded on the right) and their weights in the loss (same shape, 0 for padding)."""

    ids: NDArray[np.int64]
    weights: NDArray[np.float32]
    tokens: int


def conversation(demonstration: Demonstration) -> tuple[Message, ...]:
    """The messages of a demonstration, as the agent would exchange them."""
    messages = [*opening(Task(demonstration.task.text), demonstration.skills)]
    last = len(demonstration.steps) - 1
    for index, (code, shown) in enumerate(zip(demonstration.steps, demonstration.observations, strict=True)):
        messages.append(Message("assistant", render_reply(code, done=index == last)))
        if index < last:
            messages.append(observation_message(Observation(stdout=shown)))
    return tuple(messages)


def delimiters() -> list[str]:
    """The texts between which the agent's prompt puts skills and outputs."""
    between = skills_block(["\0", "\0"]).split("\0")
    around = observation_message(Observation(stdout="\0")).content.split("\0")
    return [*between, *around]


def render(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> str:
    """The text that the model sees of a conversation."""
    plain = [{"role": message.role, "content": message.content} for message in messages]
    return str(tokenizer.apply_chat_template(plain, tokenize=False))


def draw_texts(
    tokenizer: PreTrainedTokenizerBase, rng: Random, count: int, *, habit_share: float, compound_share: float
) -> list[str]:
    """This many training texts."""
    drawn = (demonstrate(rng, habit_share=habit_share, compound_share=compound_share) for _ in range(count))
    return [render(tokenizer, conversation(demonstration)) for demonstration in drawn]


def pool_batches(tokenizer: PreTrainedTokenizerBase, recipe: Recipe, pool: int) -> list[Batch]:
    """The batches of pool number `pool`: the same for the same arguments, whatever was drawn before.

    Pools that the workers train on at the same time have batches of like length at the same place.
    """
    rng = Random(f"embedded:{recipe.seed}:{pool}")
    texts = draw_texts(
        tokenizer,
        rng,
        POOL,
        habit_share=recipe.habit_share,
        compound_share=recipe.compound_share(pool * POOL),
    )
    encoded: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    encoded.sort(key=lambda ids: len(ids) + rng.random() * _LENGTH_JITTER)
    begin, end = (cast(int, tokenizer.convert_tokens_to_ids(token)) for token in (ASSISTANT, END))
    drawing = np.random.default_rng((recipe.seed, pool))
    size = recipe.batch_size
    batches = [
        _batch(encoded[first : first + size], begin, end, recipe.prompt_weight, drawing)
        for first in range(0, POOL - POOL % size, size)
    ]
    Random(f"order:{recipe.seed}:{pool // recipe.workers}").shuffle(batches)
    return batches


def endless_batches(
    tokenizer: PreTrainedTokenizerBase, recipe: Recipe, start: int, worker: int = 0
) -> Iterator[Batch]:
    """A worker's batches from its number `start` on: every `recipe.workers`-th pool is its own."""
    turn, skip = divmod(start, POOL // recipe.batch_size)
    while True:
        yield from pool_batches(tokenizer, recipe, turn * recipe.workers + worker)[skip:]
        turn, skip = turn + 1, 0


def answer_mask(ids: Sequence[int], begin: int, end: int) -> list[bool]:
    """Which tokens the model has to write itself: those after `begin` up to and with `end`."""
    mask, inside = [], False
    for token in ids:
        mask.append(inside)
        inside = token == begin or (inside and token != end)
    return mask


def _batch(
    rows: Sequence[Sequence[int]], begin: int, end: int, prompt_weight: float, drawing: np.random.Generator
) -> Batch:
    longest = max(len(row) for row in rows)
    length = -(-longest // _LENGTH_STEP) * _LENGTH_STEP
    ids = np.zeros((len(rows), length), dtype=np.int64)
    weights = np.zeros((len(rows), length), dtype=np.float32)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        told = (drawing.random(len(row)) < 1 / _PROMPT_SAMPLE) * (prompt_weight * _PROMPT_SAMPLE)
        weights[index, : len(row)] = np.where(answer_mask(row, begin, end), 1.0, told)
    weights[:, 0] = 0.0
    return Batch(ids, weights, sum(len(row) for row in rows))
