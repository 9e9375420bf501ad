"""Log-probabilities from hidden states, piece by piece, are those of all logits at once."""

from __future__ import annotations

import pytest
import torch

from metaclaw_jlab.engines import token_logps as module
from metaclaw_jlab.engines.stopping import StopFlag, Stopped
from metaclaw_jlab.engines.token_logps import token_logps

TEMPERATURE = 0.7
Case = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOGITS", 3 * 11)


@pytest.fixture
def case() -> Case:
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(10, 6, generator=generator, requires_grad=True)
    return (
        hidden,
        torch.randn(11, 6, generator=generator),
        torch.randint(11, (10,), generator=generator),
    )


def plainly(hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(hidden @ weight.T / TEMPERATURE, -1)


def test_they_are_those_of_a_softmax(case: Case) -> None:
    hidden, weight, tokens = case
    logps, _ = token_logps(hidden, weight, tokens, TEMPERATURE)
    torch.testing.assert_close(logps, plainly(hidden, weight).gather(1, tokens[:, None]).squeeze(1))


def test_entropies_are_those_of_a_softmax_and_have_no_gradient(case: Case) -> None:
    hidden, weight, tokens = case
    _, entropies = token_logps(hidden, weight, tokens, TEMPERATURE)
    expected = plainly(hidden, weight)
    torch.testing.assert_close(entropies, -(expected.exp() * expected).sum(-1).detach())
    assert not entropies.requires_grad


def test_gradients_are_those_of_a_softmax(case: Case) -> None:
    hidden, weight, tokens = case
    weights = torch.linspace(-1, 2, len(tokens))
    (token_logps(hidden, weight, tokens, TEMPERATURE)[0] * weights).sum().backward()  # type: ignore[no-untyped-call]
    mine, hidden.grad = hidden.grad, None
    (plainly(hidden, weight).gather(1, tokens[:, None]).squeeze(1) * weights).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(mine, hidden.grad)


def test_it_stops_before_the_next_piece(case: Case) -> None:
    flag, looks = StopFlag(), list[int]()

    def check() -> None:
        looks.append(1)
        if len(looks) == 2:
            flag.set()
        flag.check()

    with pytest.raises(Stopped):
        token_logps(*case, TEMPERATURE, check)
    assert len(looks) == 2


def test_it_stops_on_the_way_back(case: Case) -> None:
    flag = StopFlag()
    logps = token_logps(*case, TEMPERATURE, flag.check)[0]
    flag.set()
    with pytest.raises(Stopped):
        logps.sum().backward()  # type: ignore[no-untyped-call]
    assert case[0].grad is None
