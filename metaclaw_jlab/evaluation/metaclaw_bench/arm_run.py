"""Days of the benchmark run for one arm, one after the other or several at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import Answer, run_day
from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark, Day
from metaclaw_jlab.evaluation.metaclaw_bench.records import KeptDays
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult


def run_days(
    benchmark: Benchmark,
    answer_of: Callable[[Day], Answer],
    scorer: Scorer,
    *,
    parallel: int = 1,
    kept: KeptDays | None = None,
    on_day: Callable[[DayResult], None] = lambda _: None,
) -> tuple[DayResult, ...]:
    """Results of the benchmark's days in its order, whatever the order in which they end.

    Days that `kept` has are not run again. `on_day` hears of each day as it ends, in the thread that ran it. What
    learns from day to day wants `parallel` 1. Raises ExecutorError, OSError.
    """

    def one(day: Day) -> DayResult:
        result = kept.find(day) if kept is not None else None
        if result is None:
            result = run_day(day, answer_of(day), benchmark.workspaces, scorer)
            if kept is not None:
                kept.keep(day, result)
        on_day(result)
        return result

    threads = ThreadPoolExecutor(max(1, parallel), thread_name_prefix="metaclaw-bench")
    try:
        return tuple(threads.map(one, benchmark.days))
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
