"""Training samples: the agent's own messages, answers weighted, the same batches for the same seed."""

from __future__ import annotations

from random import Random

import numpy as np
from transformers import PreTrainedTokenizerBase

from metaclaw_jlab.agent.parser import parse_reply
from metaclaw_jlab.engines.embedded import samples
from metaclaw_jlab.engines.embedded.samples import answer_mask, conversation, endless_batches, pool_batches
from metaclaw_jlab.practice import demonstrate

HOW = {"batch_size": 32, "prompt_weight": 0.05, "habit_share": 0.65}


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
    first = pool_batches(tokenizer, 1, 2, **HOW)
    pool_batches(tokenizer, 1, 0, **HOW)
    again = pool_batches(tokenizer, 1, 2, **HOW)
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(first, again, strict=True))


def test_batches_go_on_from_any_number(tokenizer: PreTrainedTokenizerBase) -> None:
    each = samples.POOL // HOW["batch_size"]  # type: ignore[operator]
    late = next(endless_batches(tokenizer, 1, int(each) + 3, **HOW))
    assert np.array_equal(late.ids, pool_batches(tokenizer, 1, 1, **HOW)[3].ids)


def test_only_real_tokens_weigh(tokenizer: PreTrainedTokenizerBase) -> None:
    batch = pool_batches(tokenizer, 1, 0, **HOW)[0]
    padding = batch.ids == tokenizer.pad_token_id
    assert not batch.weights[padding].any()
    assert (batch.weights > 0).sum() == batch.tokens - len(batch.ids)
