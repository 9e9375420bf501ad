from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from metaclaw_jlab.engines.batches import COLUMN_STEP, RollingBatch, decode_together
from metaclaw_jlab.engines.rows import Parameters, Request, Row

SHORT, LONG, OTHER = [5, 9, 77], [(13 * i) % 250 for i in range(60)], [200, 3, 3, 41, 90, 8, 17]


def row(prompt: Sequence[int], tokens: int) -> Row:
    parameters = Parameters(tokens, temperature=0, ignore_eos=True)
    return Row(Request((tuple(prompt),), parameters, lambda _: None), tuple(prompt), 0, lambda _: "")


def take(rows: Sequence[Row], logits: torch.Tensor) -> None:
    for one, token in zip(rows, logits.argmax(-1).tolist(), strict=True):
        one.take(token, None, frozenset())


class Driver:
    """Runs a batch by hand."""

    def __init__(self, model: Any) -> None:
        self.batch = RollingBatch(model)

    def admit(self, *newcomers: Row) -> None:
        take(newcomers, self.batch.admit(newcomers))
        self.sweep()

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            take(list(self.batch.rows), self.batch.advance())
            self.sweep()

    def step_to_the_end(self) -> None:
        while self.batch.rows:
            self.step()

    def sweep(self) -> None:
        self.batch.remove([one for one in self.batch.rows if one.finished])


@pytest.mark.parametrize("kind", ["qwen3", "llama", "gpt2"])
def test_rows_that_come_and_go_answer_as_they_do_alone(
    kind: str, served_model: Callable[[str], Any], greedy_alone: Callable[..., list[int]]
) -> None:
    model = served_model(kind).model
    rows = [row(SHORT, 25), row(LONG, 12), row(OTHER, 9), row(SHORT[:2], 30), row(LONG[:20], 1)]
    with torch.inference_mode():
        driver = Driver(model)
        driver.admit(rows[0])
        driver.step(3)
        driver.admit(rows[1], rows[2])
        driver.step(5)
        driver.admit(rows[3], rows[4])
        driver.step_to_the_end()
    assert [one.tokens for one in rows] == [
        greedy_alone(model, one.prompt, one.parameters.max_tokens) for one in rows
    ]


def test_a_batch_grows_past_its_buffers(
    served_model: Callable[[str], Any], greedy_alone: Callable[..., list[int]]
) -> None:
    model, count = served_model("qwen3").model, 2 * COLUMN_STEP + 5
    first, second = row(SHORT, count), row(OTHER, count)
    with torch.inference_mode():
        driver = Driver(model)
        driver.admit(first)
        driver.step(10)
        driver.admit(second)
        driver.step_to_the_end()
    assert [first.tokens, second.tokens] == [
        greedy_alone(model, SHORT, count),
        greedy_alone(model, OTHER, count),
    ]


def test_equal_prompts_are_read_once(served_model: Callable[[str], Any]) -> None:
    model = served_model("qwen3").model
    seen: list[int] = []
    hook = model.register_forward_pre_hook(
        lambda _, __, inputs: seen.append(len(inputs["input_ids"])), with_kwargs=True
    )
    with torch.inference_mode():
        logits = RollingBatch(model).admit([row(SHORT, 2), row(OTHER, 2), row(SHORT, 2)])
    hook.remove()
    assert (seen, len(logits)) == ([2], 3)


def test_a_batch_narrows_when_its_longest_row_leaves(served_model: Callable[[str], Any]) -> None:
    with torch.inference_mode():
        driver = Driver(served_model("qwen3").model)
        driver.admit(row(LONG, 2), row(SHORT, 5))
        driver.step()
    assert driver.batch.width == len(SHORT) + 1


@pytest.mark.parametrize(
    ("kind", "rolling"),
    [("qwen3", True), ("llama", True), ("gpt2", True), ("mistral", False), ("bloom", False)],
)
def test_newcomers_are_taken_only_where_that_changes_nothing(
    kind: str, rolling: bool, served_model: Callable[[str], Any]
) -> None:
    assert served_model(kind).rolling is rolling


@pytest.mark.parametrize("kind", ["mistral", "bloom", "qwen3"])
def test_rows_of_a_closed_batch_answer_as_they_do_alone(
    kind: str, served_model: Callable[[str], Any], greedy_alone: Callable[..., list[int]]
) -> None:
    model = served_model(kind).model
    rows = [row(SHORT, 12), row(LONG, 3), row(OTHER, 20)]
    with torch.inference_mode():
        decode_together(model, rows, take, lambda: False)
    assert [one.tokens for one in rows] == [
        greedy_alone(model, one.prompt, one.parameters.max_tokens) for one in rows
    ]


def test_a_closed_batch_ends_when_its_rows_are_cancelled(served_model: Callable[[str], Any]) -> None:
    rows = [row(SHORT, 400), row(OTHER, 400)]

    def choose(present: Sequence[Row], logits: torch.Tensor) -> None:
        take(present, logits)
        for one in present:
            one.cancelled = len(one.tokens) == 4

    with torch.inference_mode():
        decode_together(served_model("mistral").model, rows, choose, lambda: False)
    assert [len(one.tokens) for one in rows] == [4, 4]
