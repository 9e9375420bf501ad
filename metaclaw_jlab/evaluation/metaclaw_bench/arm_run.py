"""Days of the benchmark run for one arm, one after the other or several at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event

from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import Agent, Answer, run_day
from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark, Day
from metaclaw_jlab.evaluation.metaclaw_bench.records import KeptDays
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult, RoundResult


def run_days(
    benchmark: Benchmark,
    answer_of: Callable[[Day], Agent | Answer],
    scorer: Scorer,
    *,
    parallel: int = 1,
    kept: KeptDays | None = None,
    on_day: Callable[[DayResult, bool], None] = lambda _result, _ran: None,
    on_round: Callable[[RoundResult], None] = lambda _: None,
) -> tuple[DayResult, ...]:
    """Results of the benchmark's days in its order, whatever the order in which they end.

    Days that `kept` has are not run again. `on_day` hears of each day as it ends and whether it was run, and `on_round`
    of each round that is run, in the thread that ran it. Ctrl-C, or a day that breaks off, ends
    the others after their round. Raises ExecutorError, OSError.
    """
    ending = Event()

    def heard(result: RoundResult) -> None:
        on_round(result)
        if ending.is_set():
            raise _Ending

    def one(day: Day) -> DayResult:
        result = kept.find(day) if kept is not None else None
        ran = result is None
        if result is None:
            result = run_day(day, answer_of(day), benchmark.workspaces, scorer, on_round=heard)
            if kept is not None:
                kept.keep(day, result)
        on_day(result, ran)
        return result

    threads = ThreadPoolExecutor(max(1, parallel), thread_name_prefix="metaclaw-bench")
    try:
        running = [threads.submit(one, day) for day in benchmark.days]
        wait(running, return_when=FIRST_EXCEPTION)
    finally:
        ending.set()
        threads.shutdown(wait=True, cancel_futures=True)
    for future in running:
        error = None if future.cancelled() else future.exception()
        if error is not None and not isinstance(error, _Ending):
            raise error
    return tuple(future.result() for future in running)


class _Ending(Exception):
    """The run ends before this day does; nobody sees it."""
