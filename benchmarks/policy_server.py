"""Latency, throughput and cold start of the policy server, beside plain `model.generate` in the same run.

    python benchmarks/policy_server.py [--model NAME|PATH] [--repeats 5]

Writes build/bench/policy_server.json. The server is a process of its own and HTTP is included; `generate` is not.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.policy_server import Endpoint, ensure, stop

OUTPUT = Path("build/bench/policy_server.json")
ALONE_TOKENS = 40
TOGETHER_TOKENS = 80
CLIENTS = 16
SKILLS = (
    "Save every file in the folder reports.",
    "Round every number of a result to two decimals.",
    "Name data frames in lower case.",
)
LIMITS = {"cold_start_s": 15.0, "alone_ms": 400.0, "together_tokens_per_s": 1200.0}


def messages(number: int) -> list[dict[str, str]]:
    """A prompt as the agent makes them, another for each number."""
    task = Task(f"Read sales{number}.csv and print the mean of column price{number} for each city.")
    return [{"role": one.role, "content": one.content} for one in opening(task, SKILLS)]


def post(endpoint: Endpoint, number: int, tokens: int, *, stream: bool = False) -> int:
    """One chat of exactly `tokens` tokens, read to its end; the tokens that the server counted."""
    body = {
        "model": endpoint.model,
        "messages": messages(number),
        "max_tokens": tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream": stream,
    }
    connection = http.client.HTTPConnection(urlsplit(endpoint.base_url).netloc, timeout=120)
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"The server answered {answer.status}: {raw.decode()}")
    return tokens if stream else int(json.loads(raw)["usage"]["completion_tokens"])


def cold_start(model: str, folder: Path) -> tuple[Endpoint, float]:
    """Seconds from nothing to the first answer."""
    began = time.perf_counter()
    endpoint = ensure(open_home(folder), model, on_progress=print)
    post(endpoint, 0, 1)
    return endpoint, time.perf_counter() - began


def alone(endpoint: Endpoint, repeats: int) -> list[float]:
    """Milliseconds of single requests."""
    found = []
    for number in range(repeats):
        began = time.perf_counter()
        post(endpoint, number, ALONE_TOKENS)
        found.append(1000 * (time.perf_counter() - began))
    return found


def together(endpoint: Endpoint, repeats: int, *, stream: bool) -> list[float]:
    """Tokens a second over concurrent requests."""
    found = []
    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(repeats):
            began = time.perf_counter()
            counts = pool.map(
                lambda number: post(endpoint, number, TOGETHER_TOKENS, stream=stream), range(CLIENTS)
            )
            found.append(sum(counts) / (time.perf_counter() - began))
    return found


def plain(model: str, repeats: int) -> dict[str, list[float]]:
    """The same work by `model.generate`: a request alone, all one after another, all in one batch."""
    import torch

    from metaclaw_jlab.engines.chat import conversation
    from metaclaw_jlab.engines.local_models import load
    from metaclaw_jlab.engines.policy_server import threads_for

    served = load(model)
    threads = threads_for(served.model.num_parameters())
    if threads:
        torch.set_num_threads(threads)
    prompts = [list(conversation(served, messages(number), {})) for number in range(CLIENTS)]
    generate: Any = served.model.generate

    def run(texts: list[list[int]], tokens: int) -> float:
        width = max(map(len, texts))
        ids = torch.tensor([[0] * (width - len(text)) + text for text in texts])
        mask = torch.tensor([[0] * (width - len(text)) + [1] * len(text) for text in texts])
        began = time.perf_counter()
        with torch.inference_mode():
            generate(
                input_ids=ids,
                attention_mask=mask,
                do_sample=False,
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                pad_token_id=0,
            )
        return time.perf_counter() - began

    run(prompts[:1], ALONE_TOKENS)
    all_tokens = CLIENTS * TOGETHER_TOKENS
    return {
        "alone_ms": [1000 * run(prompts[i : i + 1], ALONE_TOKENS) for i in range(repeats)],
        "one_by_one_tokens_per_s": [all_tokens / sum(run([prompt], TOGETHER_TOKENS) for prompt in prompts)],
        "one_batch_tokens_per_s": [all_tokens / run(prompts, TOGETHER_TOKENS) for _ in range(repeats)],
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default=EMBEDDED_MODEL)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        try:
            endpoint, cold = cold_start(chosen.model, home)
            alone(endpoint, 2)
            server = {
                "alone_ms": alone(endpoint, 3 * chosen.repeats),
                "together_tokens_per_s": together(endpoint, chosen.repeats, stream=False),
                "together_streaming_tokens_per_s": together(endpoint, chosen.repeats, stream=True),
            }
        finally:
            stop(open_home(home))
    reference = plain(chosen.model, chosen.repeats)
    medians = {name: statistics.median(values) for name, values in server.items()} | {"cold_start_s": cold}
    generate = {name: statistics.median(values) for name, values in reference.items()}
    result = {
        "model": chosen.model,
        "cores": os.cpu_count(),
        "server": medians,
        "generate": generate,
        "ratios": {
            "alone_ms": medians["alone_ms"] / generate["alone_ms"],
            "together_to_one_by_one": medians["together_tokens_per_s"] / generate["one_by_one_tokens_per_s"],
            "together_to_one_batch": medians["together_tokens_per_s"] / generate["one_batch_tokens_per_s"],
        },
        "limits": LIMITS,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
