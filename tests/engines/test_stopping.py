"""Work on a model ends where it is when it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import torch

from metaclaw_jlab.engines.batches import RollingBatch
from metaclaw_jlab.engines.rows import Parameters, Request, rows_of
from metaclaw_jlab.engines.stopping import StopFlag, Stopped, stop_inside


def _layer_calls(model: Any, flag: StopFlag, stop_at: int) -> list[int]:
    """Counts the layers that run; the flag is set in the one with this number."""
    ran: list[int] = []

    def count(*_: object) -> None:
        ran.append(len(ran))
        if len(ran) == stop_at:
            flag.set()

    for layer in model.model.layers:
        layer.register_forward_hook(count)
    return ran


@pytest.fixture
def model(served_model: Callable[[str], Any]) -> Any:
    import copy

    return copy.deepcopy(served_model("qwen3").model).train()


def test_a_forward_pass_ends_at_the_next_layer(model: Any) -> None:
    flag = StopFlag()
    ran = _layer_calls(model, flag, 1)
    with stop_inside(model, flag), pytest.raises(Stopped):
        model(input_ids=torch.tensor([[1, 2, 3]]))
    assert ran == [0]


def test_a_backward_pass_ends_at_the_next_layer(model: Any) -> None:
    flag = StopFlag()
    with stop_inside(model, flag):
        loss = model(input_ids=torch.tensor([[1, 2, 3]])).logits.sum()
        loss.register_hook(lambda _: flag.set())
        with pytest.raises(Stopped):
            loss.backward()
    assert all(parameter.grad is None for parameter in model.model.layers.parameters())


def test_generation_ends_before_the_next_token(served_model: Callable[[str], Any], model: Any) -> None:
    flag, served = StopFlag(), served_model("qwen3")
    rows = rows_of(Request(((1, 2), (3,)), Parameters(50), lambda _: None), served.decode)
    batch = RollingBatch(model)
    with stop_inside(model, flag), torch.inference_mode():
        batch.admit(rows)
        for row in rows:
            row.tokens.append(5)
        flag.set()
        with pytest.raises(Stopped):
            batch.advance()


def test_gradients_are_those_without_it(model: Any) -> None:
    def gradients() -> list[torch.Tensor]:
        model.zero_grad()
        model(input_ids=torch.tensor([[1, 2, 3]])).logits.square().mean().backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    plain = gradients()
    with stop_inside(model, StopFlag()):
        watched = gradients()
    assert all(map(torch.equal, plain, watched))


def test_nothing_is_left_on_the_model(model: Any) -> None:
    flag = StopFlag()
    with stop_inside(model, flag):
        pass
    flag.set()
    model(input_ids=torch.tensor([[1]])).logits.sum().backward()


def test_waiting_for_other_threads_ends_without_them() -> None:
    flag, never = StopFlag(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        futures: list[Future[object]] = [threads.submit(never.wait), threads.submit(flag.set)]
        with pytest.raises(Stopped):
            flag.results(futures)
        never.set()


def test_what_a_thread_raises_is_raised() -> None:
    with ThreadPoolExecutor(1) as threads, pytest.raises(ZeroDivisionError):
        StopFlag().results([threads.submit(lambda: 1 // 0)])


def test_results_come_in_the_order_asked_for() -> None:
    second_is_done = threading.Event()

    def second() -> int:
        second_is_done.set()
        return 2

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(lambda: second_is_done.wait() and 1)
        assert StopFlag().results([first, threads.submit(second)]) == [1, 2]
