"""What the proxy adds before the first token, and whether any request fails, beside a direct call and LiteLLM's proxy.

    python benchmarks/proxy.py [--seconds 20] [--streams 50] [--requests 10000] [--training] [--litellm build/litellm]

All of them in turn ask the same upstream, whose streams give 20 tokens/s. The proxy runs in a Jupyter server of its
own with its default settings: skills are found among 100, turns are recorded. `--training` measures it once more while
the train worker works on the embedded model. LiteLLM is measured where there is a virtual environment that has it:

    python -m venv build/litellm && build/litellm/bin/pip install 'litellm[proxy]'

Writes build/bench/proxy.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).parent))
from _token_stream import MODEL

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills

OUTPUT = Path("build/bench/proxy.json")
SKILLS = 100
RATE = 20  # tokens a second
TOKENS = 40
LIMITS = {"added_p50_ms": 5.0, "added_p99_ms": 20.0, "failed": 0}
START_SECONDS = 120.0
NOUNS = ("report", "invoice", "chart", "table", "log", "backup", "survey", "ledger", "model", "sample")
VERBS = ("Save", "Round", "Name", "Sort", "Plot", "Check", "Archive", "Label", "Merge", "Clean")


@dataclass(frozen=True)
class Target:
    """Somebody who answers chat completions."""

    name: str
    base_url: str
    key: str


@dataclass
class Measured:
    """Seconds to the first token, and what went wrong."""

    first: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


def body(random: Random, *, stream: bool, tokens: int, rate: int) -> dict[str, Any]:
    """A request that bears on one of the skills."""
    verb, noun = random.choice(VERBS).lower(), random.choice(NOUNS)
    text = f"Please {verb} the {noun} number {random.randrange(10**6)} of this quarter."
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    return {"model": MODEL, "messages": messages, "max_tokens": tokens, "seed": rate, "stream": stream}


async def ask(session: aiohttp.ClientSession, target: Target, asked: dict[str, Any], found: Measured) -> None:
    """One request, read to its end."""
    headers = {"Authorization": f"Bearer {target.key}"}
    began, first, last = time.perf_counter(), 0.0, b""
    try:
        async with session.post(f"{target.base_url}/chat/completions", json=asked, headers=headers) as answer:
            if answer.status != 200:
                found.failures[f"HTTP {answer.status}: {(await answer.text())[:100]}"] += 1
                return
            async for part in answer.content.iter_any():
                if not first and b'"word' in part:
                    first = time.perf_counter() - began
                last = (last + part)[-200:]
    except (aiohttp.ClientError, TimeoutError) as error:
        found.failures[type(error).__name__] += 1
        return
    if not first or (asked["stream"] and b"[DONE]" not in last):
        found.failures["incomplete"] += 1
        return
    found.first.append(first)


async def streams(target: Target, seconds: float, count: int) -> Measured:
    """So many streams at once for so long, begun one after the other."""
    found, random = Measured(), Random(7)
    length = TOKENS / RATE
    async with session() as client:
        end = time.perf_counter() + seconds

        async def one(number: int) -> None:
            await asyncio.sleep(length * number / count)
            while time.perf_counter() < end:
                await ask(client, target, body(random, stream=True, tokens=TOKENS, rate=RATE), found)

        await asyncio.gather(*(one(number) for number in range(count)))
    return found


async def requests(target: Target, total: int, count: int) -> tuple[Measured, float]:
    """So many short requests, `count` at once, every other one streamed; and the seconds that they took."""
    found, random, left = Measured(), Random(11), total
    async with session() as client:
        began = time.perf_counter()

        async def one() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await ask(client, target, body(random, stream=bool(left % 2), tokens=8, rate=0), found)

        await asyncio.gather(*(one() for _ in range(count)))
    return found, time.perf_counter() - began


def session() -> aiohttp.ClientSession:
    """A session without limits of its own, which keeps connections for less long than any server here."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=3)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=300))


# ---------------------------------------------------------------- who is measured


def furnish(path: Path, upstream: str) -> None:
    """A home with 100 skills whose policy is the upstream."""
    home = open_home(path)
    database = open_database(home.database)
    skills = [
        Skill(
            f"{verb.lower()}-{noun}",
            f"When you {verb.lower()} a {noun}.",
            f"{verb} every {noun} with the suffix of its quarter, and note {noun} numbers in the header.",
        )
        for verb in VERBS
        for noun in NOUNS
    ]
    assert len(skills) == SKILLS
    Skills(database).commit_generation(Cause.USER, skills)
    database.close()
    home.config.write_text(f'[policy]\nbase_url = "{upstream}"\nmodel = "{MODEL}"\n')


@contextmanager
def process(*command: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours, ended in the end."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}
        )
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def await_answer(url: str, started: subprocess.Popen[bytes], log: Path, key: str = "") -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and started.poll() is None:
        try:
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
            with opener.open(request, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{url} does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def upstream(folder: Path) -> Iterator[Target]:
    """The upstream itself."""
    port = folder / "upstream.port"
    script = str(Path(__file__).with_name("_token_stream.py"))
    with process(sys.executable, script, str(port), log=folder / "upstream.log") as started:
        deadline = time.monotonic() + START_SECONDS
        while not port.exists() and started.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        yield Target("direct", f"http://127.0.0.1:{port.read_text()}/v1", "none")


@contextmanager
def jupyter(folder: Path) -> Iterator[Target]:
    """The proxy in a Jupyter server."""
    port, token, log = free_port(), secrets.token_hex(16), folder / "jupyter.log"
    command = (sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--port={port}")
    options = (
        "--ServerApp.jpserver_extensions={'metaclaw_jlab': True}",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.log_level=WARN",
    )
    places = {name: str(folder / name.lower()) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    home = {"METACLAW_HOME": str(folder / "home"), "METACLAW_SCHEDULER_ENABLED": "false"}
    with process(*command, *options, log=log, **places, **home) as started:
        base_url = f"http://127.0.0.1:{port}/metaclaw/v1"
        await_answer(f"{base_url}/models", started, log, token)
        yield Target("proxy", base_url, token)


@contextmanager
def litellm(folder: Path, environment: Path, base_url: str) -> Iterator[Target]:
    """LiteLLM's proxy before the same upstream."""
    port, log, settings = free_port(), folder / "litellm.log", folder / "litellm.yaml"
    key = f"sk-{secrets.token_hex(32)}"
    parameters = {"model": f"openai/{MODEL}", "api_base": base_url, "api_key": "none"}
    settings.write_text(json.dumps({"model_list": [{"model_name": MODEL, "litellm_params": parameters}]}))
    command = (
        str(environment.absolute() / "bin" / "litellm"),
        "--config",
        str(settings),
        "--host",
        "127.0.0.1",
    )
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_PROXY": "127.0.0.1"}
    quiet["LITELLM_MASTER_KEY"] = key
    path = {"PATH": f"{environment.absolute() / 'bin'}:{os.environ['PATH']}"}
    with process(*command, "--port", str(port), log=log, **quiet, **path) as started:
        await_answer(f"http://127.0.0.1:{port}/v1/models", started, log, key)
        yield Target("litellm", f"http://127.0.0.1:{port}/v1", key)


@contextmanager
def training(folder: Path) -> Iterator[None]:
    """The train worker at work on the embedded model."""
    from _practice_training import prepare

    from metaclaw_jlab.runtime.train_worker import EventKind, start

    home, run, _ = prepare(folder / "training", steps=10_000)
    worker = start(home, run)
    steps = threading.Event()

    def follow() -> None:
        for event in worker.events():
            if event.kind is EventKind.STEP:
                steps.set()
        steps.set()

    threading.Thread(target=follow, daemon=True).start()
    steps.wait(START_SECONDS)
    if not worker.running:
        raise SystemExit("The training did not begin.")
    try:
        yield
    finally:
        worker.stop(10.0)


# ---------------------------------------------------------------- numbers


def summary(found: Measured) -> dict[str, Any]:
    """Percentiles in milliseconds, and failures."""
    ordered = sorted(value * 1000 for value in found.first)
    return {
        "answers": len(ordered),
        "p50_ms": round(statistics.median(ordered), 2) if ordered else None,
        "p99_ms": round(ordered[max(0, round(len(ordered) * 0.99) - 1)], 2) if ordered else None,
        "failures": dict(found.failures),
    }


def added(of: dict[str, Any], to: dict[str, Any]) -> dict[str, float]:
    """What one adds to the other."""
    return {name: round(of[name] - to[name], 2) for name in ("p50_ms", "p99_ms")}


def merged(rounds: list[Measured]) -> Measured:
    """Several rounds as one."""
    whole = Measured()
    for one in rounds:
        whole.first += one.first
        whole.failures += one.failures
    return whole


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All of it."""
    result: dict[str, Any] = {
        "streams": chosen.streams,
        "rate": RATE,
        "skills": SKILLS,
        "cores": os.cpu_count(),
    }
    with ExitStack() as stack:
        direct = stack.enter_context(upstream(folder))
        furnish(folder / "home", direct.base_url)
        proxy = stack.enter_context(jupyter(folder))
        targets = [direct, proxy]
        if (chosen.litellm / "bin" / "litellm").exists():
            targets.append(stack.enter_context(litellm(folder, chosen.litellm, direct.base_url)))
        else:
            print(f"LiteLLM is not measured: {chosen.litellm} has none.")
        for target in targets:
            asyncio.run(requests(target, 50, 10))  # everybody is warm
        rounds: dict[str, list[Measured]] = {target.name: [] for target in targets}
        for number in range(chosen.rounds):
            for target in targets if number % 2 == 0 else reversed(targets):
                rounds[target.name].append(asyncio.run(streams(target, chosen.seconds, chosen.streams)))
        told = {name: summary(merged(found)) for name, found in rounds.items()}
        result["first_token"] = told
        result["added"] = {name: added(told[name], told["direct"]) for name in told if name != "direct"}
        found, seconds = asyncio.run(requests(proxy, chosen.requests, chosen.streams))
        result["requests"] = {**summary(found), "seconds": round(seconds, 1), "asked": chosen.requests}
        if chosen.training:
            with training(folder):
                during = [
                    asyncio.run(streams(one, chosen.seconds, chosen.streams)) for one in (direct, proxy)
                ]
            result["while_training"] = {
                "direct": summary(during[0]),
                "proxy": summary(during[1]),
                "p99_ratio": round(summary(during[1])["p99_ms"] / told["proxy"]["p99_ms"], 2),
            }
    return result


def main() -> int:
    """Measure, write, and say whether the limits hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--litellm", type=Path, default=Path("build/litellm"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(chosen, Path(folder))
    failed = chosen.requests - result["requests"]["answers"]
    held = {
        "added_p50_ms": result["added"]["proxy"]["p50_ms"] <= LIMITS["added_p50_ms"],
        "added_p99_ms": result["added"]["proxy"]["p99_ms"] <= LIMITS["added_p99_ms"],
        "failed": failed <= LIMITS["failed"],
    }
    result |= {"limits": LIMITS, "held": held}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
