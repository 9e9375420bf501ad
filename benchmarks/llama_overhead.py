"""What our front adds to llama.cpp: tokens a second with and without it, prompt reuse, and the first answer.

    python benchmarks/llama_overhead.py --home HOME [--model smollm2-135m] [--repeats 5] [--tokens 200]

The same file with the same settings is served twice: by a bare instance, and by the policy server. Both are asked in
turn through the OpenAI-compatible streaming API, one stream and four. The model must be in the home already:
`metaclaw models get NAME`. Writes build/bench/llama_overhead.json.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from metaclaw_jlab.engines.llama_cpp.capacity import physical_cores
from metaclaw_jlab.engines.llama_cpp.child import Child
from metaclaw_jlab.engines.llama_cpp.instance import Setup
from metaclaw_jlab.policies.model_store import share
from metaclaw_jlab.policies.served_model import resolve
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import ensure, stop

OUTPUT = Path("build/bench/llama_overhead.json")
STREAMS = (1, 4)
SLOT_TOKENS = 4096
SYSTEM = "You write Python for notebooks. Answer with code alone, and keep to what was asked. " * 8
LIMITS = {"ratio_1_stream": 0.95, "ratio_4_streams": 0.95, "first_answer_s": 5.0}


@dataclass(frozen=True)
class Target:
    """Who is asked."""

    base_url: str
    key: str
    model: str


def stream(target: Target, number: int, tokens: int) -> tuple[int, dict[str, Any]]:
    """One streamed chat of exactly `tokens` tokens, read to its end; the tokens, and llama.cpp's timings."""
    messages = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"Sum column {number} of sales.csv for each city."},
    ]
    body = {
        "model": target.model,
        "messages": messages,
        "max_tokens": tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    connection = http.client.HTTPConnection(urlsplit(target.base_url).netloc, timeout=600)
    headers = {"Authorization": f"Bearer {target.key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    last: dict[str, Any] = {}
    pieces = 0
    for line in answer:
        pieces += b'"content":' in line
        if line.startswith(b"data: {") and b'"usage":' in line:
            last = json.loads(line[6:])
    connection.close()
    if answer.status != 200 or pieces < tokens // 2:
        raise SystemExit(f"{target.base_url} answered {answer.status} with {pieces} pieces.")
    return int(last["usage"]["completion_tokens"]), last["timings"]


def rate(target: Target, streams: int, tokens: int, number: int) -> float:
    """Tokens a second of so many streams at once."""
    began = time.perf_counter()
    with ThreadPoolExecutor(streams) as pool:
        counts = pool.map(lambda one: stream(target, number + one, tokens)[0], range(streams))
        total = sum(counts)
    return total / (time.perf_counter() - began)


def measured(direct: Target, front: Target, repeats: int, tokens: int) -> dict[str, Any]:
    """Rates of both in turn, the first one another each time, and the ratio of their medians."""
    found: dict[str, Any] = {}
    for streams in STREAMS:
        rates: dict[str, list[float]] = {"direct": [], "front": []}
        for repeat in range(repeats + 1):
            pairs = [("direct", direct), ("front", front)]
            for name, target in pairs if repeat % 2 else reversed(pairs):
                rates[name].append(rate(target, streams, tokens, 100 * repeat))
        # The first round reads the system message in every slot.
        medians = {name: statistics.median(values[1:]) for name, values in rates.items()}
        found[f"{streams}_streams" if streams > 1 else "1_stream"] = {
            "tokens_per_s": medians,
            "ratio": medians["front"] / medians["direct"],
            "all": rates,
        }
    return found


def processor_time(pid: int, target: Target, tokens: int) -> float:
    """Microseconds of a core that the front takes for each token of a stream; a busy machine hardly changes it."""
    front = psutil.Process(pid)
    before = front.cpu_times()
    count = stream(target, 5000, tokens)[0]
    after = front.cpu_times()
    return 1e6 * (after.user + after.system - before.user - before.system) / count


def cold_start(home: Home, model: str, threads: int) -> tuple[Target, int, float]:
    """The policy server, its process, and the seconds from nothing to its first answer."""
    began = time.perf_counter()
    endpoint = ensure(home, model, form="gguf", on_progress=print, options=("--threads", str(threads)))
    target = Target(endpoint.base_url, endpoint.token, endpoint.model)
    stream(target, 0, 1)
    return target, endpoint.pid, time.perf_counter() - began


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--threads", type=int, default=0, help="of llama.cpp; 0 takes the physical cores")
    chosen = parser.parse_args()
    threads = chosen.threads or physical_cores()
    with tempfile.TemporaryDirectory() as folder:
        home = open_home(Path(folder) / "home")  # whatever is served from the other one goes on
        share(open_home(chosen.home), home)
        place = resolve(home, chosen.model, "gguf").place
        key = secrets.token_urlsafe(16)
        setup = Setup(str(place), chosen.model, "", max(STREAMS), SLOT_TOKENS, threads, key)
        try:
            front, pid, first = cold_start(home, chosen.model, threads)
            child = Child(setup, lambda _: None)
            direct = Target(f"{child.address()}/v1", key, chosen.model)
            prefix = [stream(front, 1000 + number, 1)[1] for number in range(2)]
            processor = processor_time(pid, front, 5 * chosen.tokens)
            found = measured(direct, front, chosen.repeats, chosen.tokens)
            child.stop()
        finally:
            stop(home)
    result = {
        "model": chosen.model,
        "cores": os.cpu_count(),
        "threads": threads,
        "first_answer_s": first,
        "front_processor_us_per_token": processor,
        "prompt": {"tokens_read": prefix[-1]["prompt_n"], "tokens_reused": prefix[-1]["cache_n"]},
        **found,
        "limits": LIMITS,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
