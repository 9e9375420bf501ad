"""Training samples: the agent's own messages, answers weighted, the same batches for the same seed."""

from __future__ import annotations

from random import Random

import numpy as np
from transformers import PreTrainedTokenizerBase

from metaclaw_jlab.agent.parser import parse_reply
from metaclaw_jlab.engines.embedded import samples
from metaclaw_jlab.engines.embedded.recipe import Recipe
from metaclaw_jlab.engines.embedded.samples import answer_mask, conversation, endless_batches, pool_batches
from metaclaw_jlab.engines.embedded.tokenizer import ASSISTANT, END
from metaclaw_jlab.practice import demonstrate

RECIPE = Recipe(batch_size=32)


def test_replies_read_back_as_the_steps() -> None:
    rng = Random(1)
    for _ in range(50):
        demonstration = demonstrate(rng)
        replies = [
            parse_reply(message.content)
            for message in conversation(demonstration)
            if message.role == "assistant"
        ]
        assert tuple(reply.action for reply in replies) == demonstration.steps
        assert [reply.done for reply in replies] == [False] * (len(replies) - 1) + [True]


def test_answers_are_what_follows_the_mark_up_to_the_end() -> None:
    begin, end = 1, 2
    assert answer_mask([5, 1, 7, 8, 2, 5, 1, 9, 2], begin, end) == [
        False,
        False,
        True,
        True,
        True,
        False,
        False,
        True,
        True,
    ]


def test_a_pool_is_the_same_whatever_was_drawn_before(tokenizer: PreTrainedTokenizerBase) -> None:
    first = pool_batches(tokenizer, RECIPE, 2)
    pool_batches(tokenizer, RECIPE, 0)
    again = pool_batches(tokenizer, RECIPE, 2)
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(first, again, strict=True))


def test_batches_go_on_from_any_number(tokenizer: PreTrainedTokenizerBase) -> None:
    turn = samples.POOL // RECIPE.batch_size
    late = next(endless_batches(tokenizer, RECIPE, turn + 3, worker=1))
    assert np.array_equal(late.ids, pool_batches(tokenizer, RECIPE, 3)[3].ids)


def test_workers_have_batches_of_like_length_at_the_same_time(tokenizer: PreTrainedTokenizerBase) -> None:
    mine, theirs = (pool_batches(tokenizer, RECIPE, pool) for pool in (0, 1))
    lengths = [(a.ids.shape[1], b.ids.shape[1]) for a, b in zip(mine, theirs, strict=True)]
    assert len({length for length, _ in lengths}) > 3
    assert max(abs(a - b) for a, b in lengths) <= 64


def test_only_real_tokens_weigh(tokenizer: PreTrainedTokenizerBase) -> None:
    batch = pool_batches(tokenizer, RECIPE, 0)[0]
    padding = batch.ids == tokenizer.pad_token_id
    assert not batch.weights[padding].any()
    begin, end = (tokenizer.convert_tokens_to_ids(token) for token in (ASSISTANT, END))
    answers = np.array([answer_mask(row, begin, end) for row in batch.ids.tolist()])
    assert (batch.weights[answers] == 1).all()
    assert (batch.weights[~answers] < 1).all()
