"""How many checks a second a pool of warm sandboxes does, with and without bubblewrap, beside a fresh process each.

One check: open a sandbox with a small csv, run a snippet of six lines of pandas, read the files back, close.
Writes build/bench/sandbox_checks.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from metaclaw_jlab.executors.sandbox import Isolation, SandboxPool

ROWS = "".join(f"n{i % 5},{i * 1.1:.2f},{i},2024-01-{i % 28 + 1:02d}\n" for i in range(20))
TABLE = f"name,price,count,day\n{ROWS}"
SNIPPET = """\
import pandas as pd
df = pd.read_csv("data.csv")
df["total"] = df["price"] * df["count"]
top = df.groupby("name")["total"].sum().sort_values(ascending=False)
top.round(2).to_csv("out.csv")
print(top.index[0], round(df["total"].mean(), 2))
"""
EXPECTED = "n4 135.85\n"


def check(pool: SandboxPool) -> None:
    """One check, from opening to closing."""
    with pool.open(files={"data.csv": TABLE}) as sandbox:
        observation = sandbox.execute(SNIPPET)
        files = sandbox.files()
    if observation.stdout != EXPECTED or "out.csv" not in files:
        raise SystemExit(f"A check went wrong: {observation}")


def fresh_check() -> None:
    """The same in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "data.csv").write_text(TABLE)
        done = subprocess.run(
            [sys.executable, "-c", SNIPPET], cwd=folder, capture_output=True, text=True, check=True
        )
    if done.stdout != EXPECTED:
        raise SystemExit(f"A fresh process went wrong: {done.stdout!r}")


def rounds(run: Callable[[], None], *, threads: int, checks: int, repeats: int) -> list[float]:
    """Checks a second of each round."""
    rates = []
    with ThreadPoolExecutor(threads) as executor:
        for _ in range(repeats):
            started = time.perf_counter()
            for future in [executor.submit(run) for _ in range(checks)]:
                future.result()
            rates.append(checks / (time.perf_counter() - started))
    return rates


def measure(isolation: Isolation, arguments: argparse.Namespace) -> dict[str, object]:
    """Checks a second of a warm pool."""
    with SandboxPool(arguments.workers, isolation=isolation) as pool:
        protections = pool.protections()
        rounds(lambda: check(pool), threads=arguments.threads, checks=20, repeats=1)
        rates = rounds(
            lambda: check(pool), threads=arguments.threads, checks=arguments.checks, repeats=arguments.rounds
        )
        alone = rounds(lambda: check(pool), threads=1, checks=40, repeats=arguments.rounds)
    return {
        "checks_per_second": round(statistics.median(rates), 1),
        "rounds": [round(rate, 1) for rate in rates],
        "milliseconds_alone": round(1000 / statistics.median(alone), 1),
        "protections": protections,
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--threads", type=int, default=2 * (os.cpu_count() or 1))
    arguments = parser.parse_args()
    fresh = statistics.median(rounds(fresh_check, threads=arguments.workers, checks=12, repeats=3))
    result: dict[str, object] = {"cpus": os.cpu_count(), "fresh_process_per_second": round(fresh, 2)}
    for isolation in ("auto", "none"):
        measured = measure(isolation, arguments)
        measured["ratio_to_fresh_process"] = round(float(str(measured["checks_per_second"])) / fresh, 1)
        result[isolation] = measured
    path = Path("build/bench/sandbox_checks.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
