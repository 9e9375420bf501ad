from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer, scoring_pool
from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark
from metaclaw_jlab.evaluation.metaclaw_bench.loader import load_benchmark
from metaclaw_jlab.executors.sandbox import SandboxPool
from tests.evaluation.metaclaw_bench.small_bench import write_bench

_BENCH = Path(os.environ.get("METACLAW_BENCH") or Path(__file__).parents[4] / "shared" / "metaclaw-bench")


@pytest.fixture(scope="session")
def public() -> Benchmark:
    """The public benchmark, where there is a copy."""
    if not _BENCH.is_dir():
        pytest.skip(f"metaclaw-bench is not at {_BENCH}; set METACLAW_BENCH")
    return load_benchmark(_BENCH)


@pytest.fixture(scope="session")
def check_pool() -> Iterator[SandboxPool]:
    with scoring_pool() as pool:
        yield pool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small benchmark's folder."""
    return write_bench(tmp_path / "bench")


@pytest.fixture
def small(folder: Path) -> Benchmark:
    return load_benchmark(folder)


@pytest.fixture
def scorer(small: Benchmark, check_pool: SandboxPool) -> Scorer:
    return Scorer(check_pool, small.checkers)
