"""The share of useful skills for the distiller, a model, and both, before they are judged by replay and after.

Before that, of both the distiller's is taken where there is one, as it is where nothing can be done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.estimate import proportion_interval
from metaclaw_jlab.core.evolution import Evolver
from metaclaw_jlab.core.policy import Sampling
from metaclaw_jlab.evaluation.calibration.bench import (
    MOST_STEPS,
    MOST_TOKENS,
    model_sha256,
    open_bench,
    prompts_sha256,
)
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.evaluation.useful_skills import STAGES, WRITERS, draw_failure, look_at
from metaclaw_jlab.policies.calibration import prompting_for
from metaclaw_jlab.practice import splits_sha256
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.skills.distiller import Distiller
from metaclaw_jlab.skills.small_evolver import SmallModelEvolver
from metaclaw_jlab.skills.small_evolver_prompt import compose

_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured: failures, and fresh tasks for each skill. The seed draws everything."""

    model: str
    n: int = 40
    seed: int = 1
    split: str = "validation"
    trials: int = 6
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class Writers:
    """Who writes, and under which conditions their skills are read."""

    model: Evolver
    distiller: Evolver
    conditions: Conditions


OpenWriters = Callable[[], AbstractContextManager[Writers]]


@contextmanager
def open_writers(home: Home, plan: Plan, say: Callable[[str], None]) -> Iterator[Writers]:
    """A local model that writes skills and reads them, under its own prompting, in a home that is gone at the end.

    Raises what open_bench() raises.
    """
    with open_bench(home, plan.model, plan.seed, 1, say) as bench:
        wanted = bench.settings.policy
        conditions = Conditions(
            policy=bench.policy,
            pool=bench.pool,
            sampling=Sampling(
                wanted.temperature, min(wanted.max_tokens, MOST_TOKENS), plan.seed, extra=wanted.extra
            ),
            max_steps=min(bench.settings.agent.steps, MOST_STEPS),
            prompting=prompting_for(home, plan.model),
        )
        yield Writers(SmallModelEvolver(lambda: bench.policy), Distiller(), conditions)


def header(home: Home, plan: Plan) -> dict[str, Any]:
    """What a log is of: measurements under another header are not comparable."""
    prompt = "\0".join(message.content for message in compose("", ""))
    fixed = {name: value for name, value in asdict(plan).items() if name not in ("n", "concurrency")}
    return {
        **fixed,
        "model_sha256": model_sha256(home, plan.model),
        "prompting": prompting_for(home, plan.model).to_dict(),
        "prompts_sha256": prompts_sha256(),
        "evolver_prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
        "splits_sha256": splits_sha256(),
    }


def measure_evolvers(
    plan: Plan,
    log: Path,
    first: dict[str, Any],
    writers: OpenWriters,
    *,
    on_progress: Callable[[int, Sequence[dict[str, Any]]], None] = lambda _, __: None,
) -> dict[str, Any]:
    """The report over `plan.n` failures; those in the log are not looked at again.

    Raises UsageMistake where the log is of something else, PolicyError, and what `writers` raises.
    """
    records = _read(log, first)
    missing = [index for index in range(plan.n) if index not in records]
    if missing:
        with writers() as opened, log.open("a", encoding="utf-8") as file:
            for index in missing:
                on_progress(index, list(records.values()))
                records[index] = {"index": index, **_looked_at(index, plan, opened)}
                file.write(json.dumps(records[index]) + "\n")
                file.flush()
    return evolver_report([records[index] for index in range(plan.n)], first)


def _looked_at(index: int, plan: Plan, opened: Writers) -> dict[str, Any]:
    failed = draw_failure(f"{plan.seed}/{index}", plan.split, opened.conditions)
    if failed is None:
        return {"writers": None}
    return look_at(
        failed,
        opened.model,
        opened.distiller,
        opened.conditions,
        trials=plan.trials,
        concurrency=plan.concurrency,
    )


def _read(log: Path, first: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What was measured, by failure; a new log is begun where there is none. A line that was cut off is left out."""
    if not log.exists():
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(json.dumps(first) + "\n", encoding="utf-8")
        return {}
    text = log.read_text(encoding="utf-8")
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines = lines[:-1]
        log.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if not lines or json.loads(lines[0]) != json.loads(json.dumps(first)):
        raise UsageMistake(
            f"{log} is of another model, prompt or plan.", "Name another folder with --out, or delete it."
        )
    return {record["index"]: record for record in map(json.loads, lines[1:])}


def evolver_report(records: Sequence[dict[str, Any]], first: dict[str, Any]) -> dict[str, Any]:
    """The shares of useful skills, each with its Wilson interval: of the skills written, and of the failures."""
    failures = [record for record in records if record["writers"] is not None]
    return {
        "evolvers": {
            writer: {
                stage: _share([record["writers"][writer][stage] for record in failures]) for stage in STAGES
            }
            for writer in WRITERS
        },
        "failures": len(failures),
        "without_failure": len(records) - len(failures),
        **first,
    }


def _share(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    written = [one for one in found if one["skill"] is not None]
    useful = sum(one["useful"] for one in written)
    return {
        "written": len(written),
        "useful": useful,
        "of_written": _interval(useful, len(written)),
        "of_failures": _interval(useful, len(found)),
        "strict_without": _mean(written, "without"),
        "strict_with": _mean(written, "with_it"),
    }


def _mean(written: Sequence[dict[str, Any]], name: str) -> float | None:
    """The share of fresh tasks that were strict, over all skills; one task says little of one skill."""
    trials = sum(one["trials"] for one in written)
    return round(sum(one[name] for one in written) / trials, _DIGITS) if trials else None


def _interval(useful: int, n: int) -> dict[str, Any] | None:
    if not n:
        return None
    found = proportion_interval(useful, n)
    return {
        "share": round(found.estimate, _DIGITS),
        "ci95": [round(found.low, _DIGITS), round(found.high, _DIGITS)],
    }
