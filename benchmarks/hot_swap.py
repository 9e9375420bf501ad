"""Swaps of the serving adapter under load: failed and mixed requests, and how long a swap keeps anybody waiting.

    python benchmarks/hot_swap.py [--requests 1000] [--clients 16] [--swaps 10]

Writes build/bench/hot_swap.json. The server is a process of its own; every greedy answer is compared with what the
version that it names says alone. The added wait is what a request that overlaps a swap takes beyond the median of the
same request away from swaps, so it holds the noise of the machine too; `away_from_swaps` shows that by itself.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.engines.adapter_card import CONFIG, WEIGHTS, AdapterCard, write_card
from metaclaw_jlab.engines.base_identity import base_sha256, file_sha256
from metaclaw_jlab.engines.local_models import locate
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import Endpoint, ensure, refresh_adapters, stop
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.serving import Serving, ServingCause

OUTPUT = Path("build/bench/hot_swap.json")
PROMPTS = 8
TOKENS = 24
RANK = 16
VERSIONS = 2
SETTLE_SECONDS = 3.0  # the server looks for a store once a second
LIMITS = {"failed": 0, "mixed": 0, "longest_added_wait_ms": 250.0}


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: its prompt, when it began and ended, which model answered, and what."""

    prompt: int
    began: float
    ended: float
    model: str
    text: str

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return 1000 * (self.ended - self.began)


def candidate(home: Home, adapters: Adapters, seed: int) -> int:
    """A strong random adapter over the embedded model; its version."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM

    place = locate(EMBEDDED_MODEL)
    causal: Any = AutoModelForCausalLM
    drawn, tensors = torch.Generator().manual_seed(seed), {}
    for name, module in causal.from_pretrained(place).named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            key = f"base_model.model.{name}.lora"
            tensors[f"{key}_A.weight"] = torch.randn(RANK, module.in_features, generator=drawn) * 0.02
            tensors[f"{key}_B.weight"] = torch.randn(module.out_features, RANK, generator=drawn) * 0.02
    draft = home.adapters / "candidates" / f"draft-{seed}"
    draft.mkdir(parents=True)
    save_file(tensors, draft / WEIGHTS)
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": 2 * RANK, "target_modules": "all-linear"}
    (draft / CONFIG).write_text(json.dumps(config))
    sha256 = file_sha256(draft / WEIGHTS)
    made = adapters.add(EMBEDDED_MODEL, sha256, 0)
    write_card(draft, AdapterCard(made.version, EMBEDDED_MODEL, base_sha256(place), 0, sha256))
    draft.rename(draft.with_name(f"v{made.version}"))
    return made.version


def publish(home: Home, adapters: Adapters, version: int) -> None:
    """Let a candidate be served."""
    adapters.decide(version, AdapterStatus.FORCED, "A benchmark wants it.")
    (home.adapters / "candidates" / f"v{version}").rename(home.adapters / f"v{version}")


def ask(endpoint: Endpoint, model: str, prompt: int) -> Answer:
    """One greedy answer of `TOKENS` tokens; the text is empty where the server refused."""
    task = Task(f"Read sales{prompt}.csv and print the mean of column price{prompt} for each city.")
    body = {
        "model": model,
        "messages": [{"role": one.role, "content": one.content} for one in opening(task, ())],
        "max_tokens": TOKENS,
        "temperature": 0,
        "ignore_eos": True,
    }
    connection = http.client.HTTPConnection(urlsplit(endpoint.base_url).netloc, timeout=120)
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    began = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    found = json.loads(connection.getresponse().read())
    ended = time.perf_counter()
    connection.close()
    text = found["choices"][0]["message"]["content"] if "choices" in found else ""
    return Answer(prompt, began, ended, str(found.get("model", found)), text)


def under_load(endpoint: Endpoint, requests: int, clients: int, done: threading.Semaphore) -> list[Answer]:
    """Answers to plain requests from so many clients at once; `done` is told of each."""

    def one(number: int) -> Answer:
        answer = ask(endpoint, EMBEDDED_MODEL, number % PROMPTS)
        done.release()
        return answer

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(one, range(requests)))


def swap(home: Home, serving: Serving, version: int) -> tuple[float, float]:
    """Let another version serve, and tell the server; when that began and was done."""
    began = time.perf_counter()
    serving.put(version, ServingCause.FORCE, "A benchmark wants it.")
    if refresh_adapters(home) is None:
        raise SystemExit("The server did not answer a refresh.")
    return began, time.perf_counter()


def with_swaps(
    home: Home, database: Database, endpoint: Endpoint, versions: Sequence[int], chosen: argparse.Namespace
) -> tuple[list[Answer], list[tuple[float, float]]]:
    """Answers around swaps, the first of which publish the versions, and the times of the swaps."""
    adapters, serving, done, spans = Adapters(database), Serving(database), threading.Semaphore(0), []
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(under_load, endpoint, chosen.requests, chosen.clients, done)
        for number in range(chosen.swaps):
            for _ in range(chosen.requests // (chosen.swaps + 1)):
                done.acquire()
            version = versions[number % len(versions)]
            if number < len(versions):
                publish(home, adapters, version)
            spans.append(swap(home, serving, version))
        return load.result(), spans


def longest_wait(answers: Sequence[Answer], medians: dict[int, float]) -> float:
    """The longest excess over the median of the same prompt, in milliseconds."""
    return max((answer.milliseconds - medians[answer.prompt] for answer in answers), default=0.0)


def measure(home: Home, chosen: argparse.Namespace) -> dict[str, Any]:
    """The same load without and with swaps."""
    database = open_database(home.database)
    endpoint = ensure(home, EMBEDDED_MODEL, on_progress=print)
    versions = [candidate(home, Adapters(database), seed) for seed in range(1, VERSIONS + 1)]
    time.sleep(SETTLE_SECONDS)
    ask(endpoint, EMBEDDED_MODEL, 0)
    quiet = under_load(endpoint, chosen.requests, chosen.clients, threading.Semaphore(0))
    loud, spans = with_swaps(home, database, endpoint, versions, chosen)
    names = [EMBEDDED_MODEL, *(f"{EMBEDDED_MODEL}@v{version}" for version in versions)]
    alone = {
        (name, prompt): ask(endpoint, name if "@" in name else f"{name}@v0", prompt).text
        for name in names
        for prompt in range(PROMPTS)
    }
    database.close()
    adapted = [one for one in loud if one.began > spans[0][1]]
    swapped = [one for one in adapted if any(one.began < end and one.ended > begin for begin, end in spans)]
    swapped += [one for one in loud if one.began <= spans[0][1] and one.ended > spans[0][0]]
    away = [one for one in adapted if one not in swapped]
    medians = {
        prompt: statistics.median(answer.milliseconds for answer in away if answer.prompt == prompt)
        for prompt in range(PROMPTS)
    }
    return {
        "requests": len(loud),
        "clients": chosen.clients,
        "swaps": len(spans),
        "failed": sum(not answer.text for answer in loud),
        "mixed": sum(
            answer.text != alone.get((answer.model, answer.prompt)) for answer in loud if answer.text
        ),
        "answered_by": {name: sum(answer.model == name for answer in loud) for name in names},
        "overlapping_a_swap": len(swapped),
        "longest_added_wait_ms": longest_wait(swapped, medians),
        "beyond_noise_ms": longest_wait(swapped, medians) - longest_wait(away, medians),
        "swap_ms": {
            "median": 1000 * statistics.median(end - begin for begin, end in spans),
            "longest": 1000 * max(end - begin for begin, end in spans),
        },
        "away_from_swaps": {"requests": len(away), "longest_added_wait_ms": longest_wait(away, medians)},
        "request_ms": {
            "base_alone": spread(quiet),
            "away_from_swaps": spread(away),
            "overlapping_a_swap": spread(swapped),
        },
    }


def spread(answers: Sequence[Answer]) -> dict[str, float]:
    """Median, 99th percentile and maximum, in milliseconds."""
    found = sorted(answer.milliseconds for answer in answers)
    return {"median": statistics.median(found), "p99": found[int(0.99 * (len(found) - 1))], "max": found[-1]}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--swaps", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = open_home(Path(folder) / "home")
        try:
            found = measure(home, chosen)
        finally:
            stop(home)
    result = {"model": EMBEDDED_MODEL, "cores": os.cpu_count(), **found, "limits": LIMITS}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
