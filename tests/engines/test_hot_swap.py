"""A swap under load: no request fails, and none is answered by two versions."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engines.web_server import MODEL, Running, serve

CLIENTS, ROUNDS, PROMPTS = 16, 4, 5


@pytest.fixture
def server(
    served_model: Callable[[str], Any], model_folder: Callable[[str], Path], shelf: Any, kind: str
) -> Iterator[Running]:
    yield from serve(replace(served_model(kind), name=MODEL), model_folder(kind), shelf.home)


def said(server: Running, model: str, number: int) -> tuple[str, str]:
    """Which model answered a prompt, and what."""
    prompt = "abc" * (1 + number) + chr(97 + number)
    body = {
        "model": model,
        "prompt": prompt,
        "max_tokens": 8 + 2 * number,
        "temperature": 0,
        "ignore_eos": True,
    }
    status, answer = server.raw("POST", "/v1/completions", json.dumps(body).encode())
    assert (status, answer.get("error")) == (200, None)
    return answer["model"], answer["choices"][0]["text"]


@pytest.mark.parametrize("kind", ["qwen3", "mistral"])
def test_requests_around_swaps_are_answered_whole_by_the_version_that_they_name(
    kind: str, server: Running, shelf: Any
) -> None:
    first, second = shelf.publish(kind=kind), shelf.publish(kind=kind)
    names = [f"{MODEL}@v{version}" for version in (0, first, second)]
    alone = {(name, number): said(server, name, number)[1] for name in names for number in range(PROMPTS)}
    begun = threading.Barrier(CLIENTS + 1)
    found: list[tuple[str, int, str, str]] = []

    def client(number: int) -> None:
        begun.wait()
        # Some pin a version, as an agent does for a whole trajectory; the others take what serves.
        model = names[number % 3] if number % 2 else MODEL
        prompt = number % PROMPTS
        found.extend((model, prompt, *said(server, model, prompt)) for _ in range(ROUNDS))

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        begun.wait()
        for version in (first, second, first, None, second):
            shelf.serve(version)
            assert server.raw("POST", "/v1/adapters/refresh")[0] == 200
        for one in clients:
            one.result()
    assert len(found) == CLIENTS * ROUNDS
    for asked, number, named, text in found:
        assert named == asked or asked == MODEL
        assert text == alone[named if "@" in named else names[0], number]
    assert said(server, MODEL, 0) == (names[2], alone[names[2], 0])
