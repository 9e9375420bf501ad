from __future__ import annotations

import pytest
import torch

from metaclaw_jlab.engines.rows import Parameters, Request, Row
from metaclaw_jlab.engines.sampling import next_tokens, scores

LOGITS = torch.tensor([1.0, 3.0, 2.0, -1.0])


def row(seed: int = 0, **parameters: float | int | None) -> Row:
    request = Request(((0,),), Parameters(100, **parameters), lambda _: None, seed=seed)  # type: ignore[arg-type]
    return Row(request, (0,), 0, lambda _: "")


def test_temperature_zero_takes_the_likeliest() -> None:
    assert next_tokens([row(temperature=0)], LOGITS[None]) == [1]


def test_frequencies_follow_the_softmax_at_the_temperature() -> None:
    one, draws = row(temperature=0.7), 4000
    found = torch.tensor([next_tokens([one], LOGITS[None])[0] for _ in range(draws)])
    shares = torch.bincount(found, minlength=4) / draws
    torch.testing.assert_close(shares, torch.softmax(LOGITS / 0.7, -1), atol=0.025, rtol=0)


def test_a_row_draws_the_same_whatever_is_beside_it() -> None:
    alone, beside = row(seed=3), row(seed=3)
    company = [row(seed=9, temperature=0.2), row(temperature=0), row(seed=4, top_p=0.5)]
    expected = [next_tokens([alone], LOGITS[None])[0] for _ in range(50)]
    crowd = LOGITS.repeat(4, 1)
    assert [next_tokens([*company, beside], crowd)[3] for _ in range(50)] == expected


@pytest.mark.parametrize("cut", [{"top_p": 0.4}, {"top_k": 1}])
def test_truncation_leaves_only_the_likeliest(cut: dict[str, float]) -> None:
    one = row(temperature=2.0, **cut)
    assert {next_tokens([one], LOGITS[None])[0] for _ in range(100)} == {1}


def test_top_p_keeps_the_token_that_crosses_it() -> None:
    one = row(top_p=0.7)
    assert {next_tokens([one], LOGITS[None])[0] for _ in range(200)} == {1, 2}


def test_scores_are_log_probabilities_at_temperature_one() -> None:
    expected = torch.log_softmax(LOGITS, -1)
    found = scores([row(temperature=0.3, logprobs=2)], LOGITS[None], [2])
    assert found is not None
    assert found[0] is not None
    assert found[0].logprob == pytest.approx(float(expected[2]))
    assert found[0].alternatives == tuple((i, pytest.approx(float(expected[i]))) for i in (1, 2))


def test_rows_that_want_no_scores_get_none() -> None:
    found = scores([row(), row(logprobs=0)], LOGITS.repeat(2, 1), [0, 1])
    assert found is not None
    assert [score is None for score in found] == [True, False]
