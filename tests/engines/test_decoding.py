from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from metaclaw_jlab.engines.decoding import Decoder
from metaclaw_jlab.engines.rows import Parameters, Piece, Request

WAIT = 30.0
PROMPTS = [tuple((17 * i + 3 * j) % 250 for j in range(2 + 5 * (i % 7))) for i in range(16)]


class Collector:
    """Takes pieces from the decoder's thread."""

    def __init__(self, rows: int = 1) -> None:
        self.pieces: list[Piece] = []
        self.begun = threading.Event()
        self.ended = threading.Event()
        self._left = rows

    def __call__(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.begun.set()
        if piece.finish_reason or piece.error:
            self._left -= 1
            if not self._left:
                self.ended.set()

    def wait(self) -> Collector:
        assert self.ended.wait(WAIT)
        return self

    def text(self, index: int = 0) -> str:
        return "".join(piece.text for piece in self.pieces if piece.index == index)


@pytest.fixture
def decoder_of(served_model: Callable[[str], Any]) -> Iterator[Callable[..., Decoder]]:
    made: list[Decoder] = []

    def make(kind: str = "qwen3", **options: int) -> Decoder:
        made.append(Decoder(served_model(kind), threads=1, **options))
        return made[-1]

    yield make
    for decoder in made:
        decoder.close()


def ask(
    decoder: Decoder,
    prompt: tuple[int, ...] = PROMPTS[3],
    tokens: int = 8,
    *,
    n: int = 1,
    seed: int | None = None,
    temperature: float = 0.0,
    stream: bool = True,
) -> Collector:
    collector = Collector(n)
    parameters = Parameters(tokens, temperature=temperature, ignore_eos=True)
    decoder.submit(Request((prompt,), parameters, collector, n=n, seed=seed, stream=stream))
    return collector


@pytest.mark.parametrize("kind", ["qwen3", "llama", "gpt2", "mistral"])
def test_concurrent_requests_answer_as_they_do_alone(
    kind: str,
    decoder_of: Callable[..., Decoder],
    served_model: Callable[[str], Any],
    greedy_alone: Callable[..., list[int]],
) -> None:
    decoder, served = decoder_of(kind, max_batch=5), served_model(kind)
    asked = [ask(decoder, prompt, 3 + 2 * i) for i, prompt in enumerate(PROMPTS)]
    expected = [
        served.decode(greedy_alone(served.model, prompt, 3 + 2 * i)) for i, prompt in enumerate(PROMPTS)
    ]
    assert [one.wait().text() for one in asked] == expected


def test_a_seed_gives_the_same_answers_in_any_company(decoder_of: Callable[..., Decoder]) -> None:
    alone = ask(decoder_of(), tokens=20, n=3, seed=11, temperature=1.0).wait()
    crowded = decoder_of()
    for prompt in PROMPTS[:6]:
        ask(crowded, prompt, 30, temperature=1.0)
    beside = ask(crowded, tokens=20, n=3, seed=11, temperature=1.0).wait()
    assert [beside.text(i) for i in range(3)] == [alone.text(i) for i in range(3)]


def test_the_completions_of_one_request_differ(decoder_of: Callable[..., Decoder]) -> None:
    found = ask(decoder_of(), tokens=20, n=4, seed=1, temperature=1.0).wait()
    assert len({found.text(i) for i in range(4)}) == 4


def test_a_row_that_does_not_stream_comes_in_one_piece(decoder_of: Callable[..., Decoder]) -> None:
    decoder = decoder_of()
    whole, streamed = ask(decoder, stream=False).wait(), ask(decoder).wait()
    assert len(whole.pieces) == 1
    assert whole.text() == streamed.text()


def test_requests_take_turns(decoder_of: Callable[..., Decoder]) -> None:
    decoder, order = decoder_of(max_batch=1), queue.Queue[str]()

    def note(name: str) -> Callable[[Piece], None]:
        return lambda piece: order.put(name) if piece.finish_reason else None

    # The first row holds the only place until both others wait.
    parameters = Parameters(300, temperature=0, ignore_eos=True)
    decoder.submit(Request((PROMPTS[0],), parameters, note("holder")))
    short = Parameters(1, temperature=0, ignore_eos=True)
    decoder.submit(Request((PROMPTS[1],), short, note("large"), n=3))
    decoder.submit(Request((PROMPTS[2],), short, note("small")))
    assert [order.get(timeout=WAIT) for _ in range(5)] == ["holder", "large", "small", "large", "large"]


def test_a_cancelled_request_leaves_and_the_others_go_on(decoder_of: Callable[..., Decoder]) -> None:
    decoder, leaving = decoder_of(), Collector()
    parameters = Parameters(490, temperature=0, ignore_eos=True)
    ticket = decoder.submit(Request((PROMPTS[0],), parameters, leaving))
    assert leaving.begun.wait(WAIT)
    decoder.cancel(ticket)
    ask(decoder).wait()
    assert not leaving.ended.is_set()
    assert decoder.running == decoder.waiting == 0


def test_a_request_is_cancelled_while_it_waits(decoder_of: Callable[..., Decoder]) -> None:
    decoder, never = decoder_of(max_batch=1), Collector()
    holder = ask(decoder, tokens=300)
    ticket = decoder.submit(Request((PROMPTS[1],), Parameters(1), never))
    decoder.cancel(ticket)
    holder.wait()
    ask(decoder).wait()
    assert never.pieces == []


def test_rows_wait_and_go_on_where_the_memory_is_too_small_for_all(
    decoder_of: Callable[..., Decoder], served_model: Callable[[str], Any]
) -> None:
    expected = [one.wait().text() for one in [ask(decoder_of(), prompt, 40) for prompt in PROMPTS[:4]]]
    small = decoder_of(most_columns=70)
    found = [one.wait().text() for one in [ask(small, prompt, 40) for prompt in PROMPTS[:4]]]
    assert found == expected


def test_a_request_that_fails_does_not_end_the_loop(decoder_of: Callable[..., Decoder]) -> None:
    decoder = decoder_of()
    broken = ask(decoder, (100_000,)).wait()
    assert broken.pieces[0].error is not None
    assert ask(decoder).wait().pieces[-1].finish_reason == "length"


def test_what_is_not_finished_fails_when_the_decoder_ends(decoder_of: Callable[..., Decoder]) -> None:
    decoder = decoder_of(max_batch=1)
    running, waiting = ask(decoder, tokens=490), ask(decoder)
    assert running.begun.wait(WAIT)
    decoder.close()
    assert [one.wait().pieces[-1].error for one in (running, waiting)] == ["The policy server is ending."] * 2
