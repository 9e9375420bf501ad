"""A policy on a decoder in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from metaclaw_jlab.core.errors import PolicyRefused
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.engines.decoder_policy import DecoderPolicy
from metaclaw_jlab.engines.decoding import Decoder
from metaclaw_jlab.engines.stopping import StopFlag, Stopped

ASKED = (Message("user", "which of them"),)


@pytest.fixture
def policy(served_model: Callable[[str], Any]) -> Iterator[DecoderPolicy]:
    served = served_model("qwen3")
    decoder = Decoder(served, threads=1)
    yield DecoderPolicy(served, decoder, None, StopFlag())
    decoder.close()


def test_it_says_what_the_model_says_alone(
    policy: DecoderPolicy, greedy_alone: Callable[..., list[int]]
) -> None:
    prompts = [f"{word} of them" for word in ("how many", "which", "all", "none", "some")]
    texts = []
    for asked in prompts:
        prompt = policy.served.encode(f"<|user|>{asked}<|assistant|>", False)
        tokens = greedy_alone(policy.served.model, prompt, 8)
        ends = next((at for at, token in enumerate(tokens) if token in policy.served.eos), len(tokens))
        texts.append(policy.served.decode(tokens[:ends]))
    completions = [policy.complete((Message("user", asked),), Sampling(0.0, 8)) for asked in prompts]
    assert [completion.text for completion in completions] == texts
    assert len(set(texts)) > 1


def test_equal_seeds_give_equal_replies_and_others_do_not(policy: DecoderPolicy) -> None:
    texts = [policy.complete(ASKED, Sampling(1.0, 12, seed)).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_what_is_begun_comes_first(policy: DecoderPolicy) -> None:
    policy.begun.append(Completion("begun", "stop", "tiny"))
    assert policy.complete(ASKED, Sampling()).text == "begun"
    assert policy.complete(ASKED, Sampling(0.0, 2)).text != "begun"


def test_a_prompt_without_room_for_an_answer_is_refused(policy: DecoderPolicy) -> None:
    with pytest.raises(PolicyRefused, match="fills the context"):
        policy.complete((Message("user", "x" * 600),), Sampling())


def test_told_to_stop_it_waits_no_longer(policy: DecoderPolicy) -> None:
    policy.stop.set()
    with pytest.raises(Stopped):
        policy.complete(ASKED, Sampling(0.0, 400))
