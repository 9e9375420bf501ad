"""The gate of a training run: what is attempted, by which adapters, and what follows from the verdict."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.errors import AdapterRefused, WorkerFailed
from metaclaw_jlab.core.gate import GateReport, Paired, Verdict
from metaclaw_jlab.core.training import RunState, TrainingPrompt, TrainingRun
from metaclaw_jlab.learning.adapters import folder_of, promote, trained_on
from metaclaw_jlab.learning.promotion import decide
from metaclaw_jlab.learning.query_set import first_prompts
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.train_worker import WorkerJob
from metaclaw_jlab.runtime.training_folder import TrainingFolder, read_job
from metaclaw_jlab.runtime.trials import (
    Attempt,
    Suite,
    TrialPlan,
    read_attempts,
    read_plan,
    suite_file,
    write_plan,
)
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.prompts import write_prompts
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.training import Training

CANDIDATE, SERVING, BASE, BEST = "candidate", "serving", "base", "best"
GAIN, REGRESSION = "gain", "regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gating:
    """What a gate works with. `temperature` is the serving one; `fresh` gives held-out prompts beside those of the
    query set, by a seed; `regression` the frozen regression set."""

    home: Home
    database: Database
    temperature: float
    held_out_share: float
    regression: Callable[[], Sequence[TrainingPrompt]]
    fresh: Callable[[int], Sequence[TrainingPrompt]]


def gate(
    gating: Gating, run: TrainingRun, folder: TrainingFolder, work: Callable[[WorkerJob], None]
) -> TrainingRun:
    """Compare a run's adapter with what serves, and let it serve or say why not; the run is done then.

    `work` has a worker make the attempts; what was attempted before an interruption is not attempted again.
    """
    assert run.adapter is not None
    known = Gates(gating.database).of(run.adapter)
    return _conclude(gating, run, folder, known[-1] if known else _compare(gating, run, folder, work))


def look_again(
    gating: Gating, run: TrainingRun, folder: TrainingFolder, work: Callable[[WorkerJob], None]
) -> bool:
    """Gate the adapter of a run that is done once more, where it lacked evidence and there is now as much as its last
    gate asked for; whether it was done. Each look makes the next one stricter (see promotion)."""
    assert run.adapter is not None
    known = Gates(gating.database).of(run.adapter)
    if not known or Adapters(gating.database).get(run.adapter).status is not AdapterStatus.CANDIDATE:
        return False
    report = known[-1]
    if report.verdict is Verdict.INSUFFICIENT:
        if (
            not report.missing
            or len(_gain_prompts(gating, run.adapter)) < _attempted(report) + report.missing
        ):
            return False
        report = _compare(gating, run, folder, work)
    _conclude(gating, run, folder, report)
    return True


def _compare(
    gating: Gating, run: TrainingRun, folder: TrainingFolder, work: Callable[[WorkerJob], None]
) -> GateReport:
    """Have the attempts made, and keep what they show."""
    assert run.adapter is not None
    arms = _arms(gating, run)
    if not _asked(folder, arms):
        _ask(gating, run, folder, arms)
    work(WorkerJob.TRIALS)
    report = judged(read_attempts(folder), arms, looks=Gates(gating.database).looks_since_promotion() + 1)
    Gates(gating.database).record(run.adapter, report)
    return report


def _attempted(report: GateReport) -> int:
    """How many held-out tasks a gate compared."""
    return next((one.n for one in report.comparisons if one.name == "gain"), 0)


def judged(attempts: Sequence[Attempt], arms: Mapping[str, str | None], *, looks: int) -> GateReport:
    """The verdict on paired attempts. A pair of which one could not be scored is none."""
    gain = _pairs(attempts, GAIN, SERVING, None)
    temperatures = sorted({one.temperature for one in attempts if one.suite == REGRESSION})
    against = [BASE, *([BEST] if BEST in arms else [])]
    regressions = {
        f"{reference}/T={temperature:g}": _pairs(attempts, REGRESSION, reference, temperature)
        for reference in against
        for temperature in temperatures
    }
    kls = [one.kl for one in attempts if one.arm == CANDIDATE and one.kl is not None]
    return decide(
        gain, regressions, looks=looks, lengths=_lengths(attempts), kl_to_base=fmean(kls) if kls else None
    )


def _arms(gating: Gating, run: TrainingRun) -> dict[str, str | None]:
    """The folders of all arms; None is the base, which serves too where an adapter of another base would.

    `best` is there only where an adapter of this base was ever promoted.
    """
    serving = Serving(gating.database)
    assert run.adapter is not None
    candidate = folder_of(gating.home, run.adapter)
    if candidate is None:
        raise AdapterRefused(
            f"Adapter v{run.adapter} cannot be compared: its files are gone.",
            "What serves now stays. Train again: metaclaw train --now.",
        )
    arms = {
        CANDIDATE: str(candidate),
        SERVING: _folder(gating, serving.current(), run),
        BASE: None,
    }
    known = [(_regression_score(gating, one), one) for one in serving.ever_promoted()]
    best = max((one for one in known if _folder(gating, one[1], run) is not None), default=None)
    return arms if best is None else {**arms, BEST: _folder(gating, best[1], run)}


def _folder(gating: Gating, version: int | None, run: TrainingRun) -> str | None:
    """Where an adapter lies that can be compared with the run's; None where it is gone, or of another base."""
    found = None if version is None else folder_of(gating.home, version)
    return None if found is None or trained_on(found) != run.base_sha256 else str(found)


def _regression_score(gating: Gating, version: int) -> float:
    reports = Gates(gating.database).of(version)
    found = [one.candidate for one in reports[-1].comparisons if f"/{BASE}/" in one.name] if reports else []
    return fmean(found) if found else 0.0


def _asked(folder: TrainingFolder, arms: Mapping[str, str | None]) -> bool:
    """Whether the attempts that are under way are of these arms: what serves may have changed meanwhile."""
    try:
        return dict(read_plan(folder).arms) == arms
    except WorkerFailed:
        return False


def _ask(gating: Gating, run: TrainingRun, folder: TrainingFolder, arms: Mapping[str, str | None]) -> None:
    assert run.adapter is not None
    write_prompts(suite_file(folder, GAIN), _gain_prompts(gating, run.adapter))
    write_prompts(suite_file(folder, REGRESSION), gating.regression())
    settings = read_job(folder).plan
    temperatures = tuple(sorted({0.0, gating.temperature}))
    against = tuple(name for name in (CANDIDATE, BASE, BEST) if name in arms)
    write_plan(
        folder,
        TrialPlan(
            model=run.base,
            arms=arms,
            suites=(
                Suite(GAIN, (CANDIDATE, SERVING), (gating.temperature,)),
                Suite(REGRESSION, against, temperatures),
            ),
            seed=run.adapter,
            max_tokens=int(str(settings["max_tokens"])),
            max_steps=int(str(settings["max_steps"])),
            prompting=dict(settings.get("prompting") or {}),  # type: ignore[call-overload]
        ),
    )


def _gain_prompts(gating: Gating, version: int) -> list[TrainingPrompt]:
    """What is held out now, without tasks that have no checks: a gate takes no judge's word."""
    held_out = Query(gating.database, held_out_share=gating.held_out_share).held_out()
    prompts = (*first_prompts(gating.database, held_out), *gating.fresh(version))
    return [one for one in prompts if one.checked]


def _pairs(
    attempts: Sequence[Attempt], suite: str, reference: str, temperature: float | None
) -> tuple[Paired, ...]:
    of_arm: dict[str, dict[tuple[str, float, int], float]] = {CANDIDATE: {}, reference: {}}
    for one in attempts:
        wanted = one.suite == suite and temperature in (None, one.temperature)
        if wanted and one.arm in of_arm and one.score is not None:
            of_arm[one.arm][(one.task, one.temperature, one.repeat)] = float(one.strict)
    return tuple(
        Paired(key[0], score, of_arm[reference][key])
        for key, score in of_arm[CANDIDATE].items()
        if key in of_arm[reference]
    )


def _lengths(attempts: Sequence[Attempt]) -> tuple[float, float] | None:
    """Mean completion tokens of candidate and base on the regression set."""
    means = []
    for arm in (CANDIDATE, BASE):
        found = [one.tokens for one in attempts if one.suite == REGRESSION and one.arm == arm]
        if not found:
            return None
        means.append(fmean(found))
    return means[0], means[1]


def _conclude(gating: Gating, run: TrainingRun, folder: TrainingFolder, report: GateReport) -> TrainingRun:
    """Do what the recorded verdict says. Killed in between, it is done again."""
    assert run.adapter is not None
    adapters, version = Adapters(gating.database), run.adapter
    undecided = adapters.get(version).status is AdapterStatus.CANDIDATE
    if report.verdict is Verdict.PROMOTE:
        promote(gating.home, gating.database, version, report.reason)
        said = f"Adapter v{version} serves. {report.reason}"
    elif report.verdict is Verdict.REJECT:
        if undecided:
            adapters.decide(version, AdapterStatus.REJECTED, report.reason)
        said = f"Adapter v{version} was rejected. {report.reason}"
    else:
        adapters.explain(version, report.reason)
        said = f"Adapter v{version} does not serve: not enough evidence. {report.reason}"
    done = run
    if not run.state.over:
        said = f"{said} {read_job(folder).note}".rstrip()
        done = Training(gating.database).change(run.number, RunState.DONE, said)
    for leftover in (folder.trials, folder.checkpoints):
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in (folder.query, folder.replay):
        leftover.unlink(missing_ok=True)
    return done
