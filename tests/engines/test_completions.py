"""Completions on the model that is being trained."""

from __future__ import annotations

import pytest

from metaclaw_jlab.agent.lockstep import Asked
from metaclaw_jlab.core.policy import Message, Sampling
from metaclaw_jlab.engines.completions import Completer, Sampled
from metaclaw_jlab.engines.local_models import load
from tests.engines.toy_training import save_model


@pytest.fixture(scope="module")
def completer(tmp_path_factory: pytest.TempPathFactory) -> Completer:
    served = load(save_model(tmp_path_factory.mktemp("model")))
    return Completer(served, served.model, 16)


def ask(text: str, seed: int = 0, temperature: float = 1.0, most: int = 16) -> Asked:
    return Asked(seed, (Message("user", text),), Sampling(temperature, most, seed))


def tokens(found: list[Sampled]) -> list[tuple[int, ...]]:
    return [one.tokens for one in found]


BATCH = [ask("abc", seed) for seed in range(8)] + [ask("ddcba", seed) for seed in range(8, 12)]


def test_the_same_batch_gives_the_same_tokens(completer: Completer) -> None:
    first = completer.sample(BATCH)
    assert tokens(completer.sample(BATCH)) == tokens(first)
    assert len(set(tokens(first))) > 6


def test_greedy_completions_of_one_prompt_are_alike(completer: Completer) -> None:
    found = completer.sample([ask("abc", seed, temperature=0.0) for seed in range(3)])
    assert len(set(tokens(found))) == 1


def test_a_completion_comes_with_its_own_prompt(completer: Completer) -> None:
    found = completer.sample([ask("abc"), ask("dd", 1)])
    assert [one.prompt for one in found] == [(0, 1, 2), (3, 3)]


def test_tokens_are_counted_with_the_end_where_it_was_reached(completer: Completer) -> None:
    (end,) = completer.served.eos
    found = completer.sample(BATCH)
    stopped = [one for one in found if one.completion.finish_reason == "stop"]
    assert stopped
    assert all(one.tokens[-1] == end for one in stopped)
    assert all(one.completion.usage.completion_tokens == len(one.tokens) for one in found)


def test_a_completion_that_reaches_its_limit_says_so(completer: Completer) -> None:
    found = completer.sample([ask("abc", seed, most=1) for seed in range(8)])
    assert {len(one.tokens) for one in found} == {1}
    assert "length" in {one.completion.finish_reason for one in found}


def test_what_was_done_is_counted(completer: Completer) -> None:
    before = completer.tokens
    found = completer.sample(BATCH)
    assert completer.tokens - before == sum(map(len, tokens(found)))
    assert completer.seconds > 0


def test_the_model_is_left_as_it_was_found(completer: Completer) -> None:
    completer.model.train()
    completer.sample(BATCH[:1])
    assert completer.model.training
    completer.model.eval()
