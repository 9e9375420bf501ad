"""The gate: what paired attempts allow to be said of a candidate adapter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

from metaclaw_jlab.core.estimate import Interval, bounded_mean_interval
from metaclaw_jlab.core.gate import Comparison, GateReport, Paired, Verdict


@dataclass(frozen=True, slots=True)
class Demands:
    """What a gate asks. `alpha`: the chance that anything is promoted for nothing between two promotions, however
    many looks; `tolerance`: the drop on a regression set that would matter, to be excluded with the chance
    `regression_alpha` of erring, for each set; `worthwhile`: the smallest gain worth having; `length_factor` and
    `most_kl` (nats per token) bound how far a candidate may wander from its reference."""

    alpha: float = 0.05
    fewest: int = 50
    worthwhile: float = 0.05
    tolerance: float = 0.08
    regression_alpha: float = 0.05
    power: float = 0.8
    length_factor: float = 1.5
    most_kl: float = 1.0


@dataclass(frozen=True, slots=True)
class _Finding:
    comparison: Comparison
    verdict: Verdict
    missing: int = 0


def level_at(look: int, alpha: float = 0.05) -> float:
    """One-sided level of look 1, 2, ...: alpha * 6 / (pi k)^2, which sums to alpha over all looks, so that the union
    bound holds whatever the looks share. The first looks, which nearly every candidate is decided by, get the most."""
    if look < 1:
        raise ValueError(f"Looks are counted from 1, not from {look}.")
    return alpha * 6 / (math.pi * look) ** 2


def decide(
    gain: Sequence[Paired],
    regressions: Mapping[str, Sequence[Paired]],
    *,
    looks: int,
    lengths: tuple[float, float] | None = None,
    kl_to_base: float | None = None,
    demands: Demands | None = None,
) -> GateReport:
    """The verdict on a candidate. `gain`: held-out tasks against what serves; `regressions`: named sets against the
    base or the best adapter so far; `looks`: which gate this is since the last promotion, from 1; `lengths`: mean
    completion tokens of candidate and reference. Attempts of one task are averaged first. Raises ValueError on scores
    outside [0, 1]."""
    demands = demands or Demands()
    findings = [_gain(_by_task(gain), looks, demands)]
    findings += [_regression(name, _by_task(pairs), demands) for name, pairs in regressions.items()]
    if lengths is not None:
        findings.append(_length(lengths, len(gain), demands))
    if kl_to_base is not None:
        findings.append(_drift(kl_to_base, len(gain), demands))
    verdicts = {finding.verdict for finding in findings}
    verdict = next(v for v in (Verdict.REJECT, Verdict.INSUFFICIENT, Verdict.PROMOTE) if v in verdicts)
    reasons = [finding.comparison.sentence for finding in findings if finding.verdict is verdict]
    if verdict is Verdict.PROMOTE and not regressions:
        verdict, reasons = Verdict.INSUFFICIENT, ["No regression set was run."]
    comparisons = tuple(finding.comparison for finding in findings)
    missing = findings[0].missing if verdict is Verdict.INSUFFICIENT else 0
    return GateReport(verdict, " ".join(reasons), comparisons, looks, missing)


def _by_task(pairs: Sequence[Paired]) -> tuple[Paired, ...]:
    tasks: dict[str, list[Paired]] = {}
    for pair in pairs:
        if not (0 <= pair.candidate <= 1 and 0 <= pair.reference <= 1):
            raise ValueError(f"Task {pair.task} has a score outside 0 to 1: leave unscored attempts out.")
        tasks.setdefault(pair.task, []).append(pair)
    return tuple(
        attempts[0]
        if len(attempts) == 1
        else Paired(task, fmean(p.candidate for p in attempts), fmean(p.reference for p in attempts))
        for task, attempts in tasks.items()
    )


def _gain(pairs: Sequence[Paired], look: int, demands: Demands) -> _Finding:
    level = level_at(look, demands.alpha)
    interval = _difference(pairs, level)
    at_most = _difference(pairs, demands.alpha).high
    shown = f"above 0 with the {1 - level:.2%} confidence that look {look} asks for"
    verdict, said, missing = Verdict.PROMOTE, shown, 0
    if at_most < demands.worthwhile:
        verdict, said = (
            Verdict.REJECT,
            f"a gain of {demands.worthwhile:.2f}, the least worth having, is ruled out",
        )
        if at_most < 0:
            said = "the candidate is worse than what serves"
    elif len(pairs) < demands.fewest or interval.low <= 0:
        verdict, missing = Verdict.INSUFFICIENT, _missing_for_gain(pairs, look + 1, demands)
        short = f"fewer than {demands.fewest}" if len(pairs) < demands.fewest else f"not {shown}"
        said = f"{short}; about {missing} more tasks are needed"
    sentence = f"Mean gain {_span(interval)} over {len(pairs)} held-out tasks: {said}."
    return _Finding(_compared("gain", pairs, interval, verdict, sentence), verdict, missing)


def _regression(name: str, pairs: Sequence[Paired], demands: Demands) -> _Finding:
    interval = _difference(pairs, demands.regression_alpha)
    measured = f"{name}: difference {_span(interval)} over {len(pairs)} tasks"
    allowed = f"a drop of {demands.tolerance:.2f}"
    if interval.low > -demands.tolerance:
        verdict, said = Verdict.PROMOTE, f"{allowed} is ruled out"
    elif interval.high < 0:
        verdict, said = Verdict.REJECT, f"the candidate is worse, and {allowed} is not ruled out"
    else:
        verdict = Verdict.INSUFFICIENT
        room = max(demands.tolerance + min(0.0, interval.estimate), demands.tolerance / 4)
        missing = max(1, _tasks_for(pairs, room, demands.regression_alpha, demands.power) - len(pairs))
        said = f"{allowed} is not ruled out; about {missing} more tasks are needed"
    return _Finding(
        _compared(f"regression/{name}", pairs, interval, verdict, f"{measured}: {said}."), verdict
    )


def _length(lengths: tuple[float, float], n: int, demands: Demands) -> _Finding:
    candidate, reference = lengths
    passed = candidate <= demands.length_factor * reference
    sentence = (
        f"Completions of {candidate:.1f} tokens in the mean against {reference:.1f}: "
        f"{'within' if passed else 'beyond'} a factor of {demands.length_factor:g}."
    )
    return _guard("length", n, candidate, reference, passed, sentence)


def _drift(kl: float, n: int, demands: Demands) -> _Finding:
    passed = kl <= demands.most_kl
    within = "within" if passed else "beyond"
    sentence = f"{kl:.3f} nats a token away from the base: {within} {demands.most_kl:g}."
    return _guard("kl", n, kl, 0.0, passed, sentence)


def _guard(name: str, n: int, candidate: float, reference: float, passed: bool, sentence: str) -> _Finding:
    apart = candidate - reference
    comparison = Comparison(name, n, candidate, reference, Interval(apart, apart, apart), passed, sentence)
    return _Finding(comparison, Verdict.PROMOTE if passed else Verdict.REJECT)


def _compared(
    name: str, pairs: Sequence[Paired], interval: Interval, verdict: Verdict, sentence: str
) -> Comparison:
    candidate = fmean(pair.candidate for pair in pairs) if pairs else 0.0
    reference = fmean(pair.reference for pair in pairs) if pairs else 0.0
    passed = verdict is Verdict.PROMOTE
    return Comparison(name, len(pairs), candidate, reference, interval, passed, sentence)


def _difference(pairs: Sequence[Paired], tail: float) -> Interval:
    """Mean difference with bounds that each err with chance `tail`."""
    if not pairs:
        return Interval(0.0, -1.0, 1.0)
    return bounded_mean_interval(_differences(pairs), 1 - 2 * tail, least=-1.0, most=1.0)


def _differences(pairs: Sequence[Paired]) -> list[float]:
    return [pair.candidate - pair.reference for pair in pairs]


def _missing_for_gain(pairs: Sequence[Paired], look: int, demands: Demands) -> int:
    if not pairs:
        return demands.fewest
    wanted = max(fmean(_differences(pairs)), demands.worthwhile)
    needed = _tasks_for(pairs, wanted, level_at(look, demands.alpha), demands.power)
    return max(1, max(needed, demands.fewest) - len(pairs))


def _tasks_for(pairs: Sequence[Paired], effect: float, tail: float, power: float) -> int:
    """Tasks that show an effect at the observed discordance, taken with one win and one loss more."""
    differences = [*_differences(pairs), 1.0, -1.0]
    variance = max(1e-4, fmean(d * d for d in differences) - fmean(differences) ** 2)
    normal = NormalDist()
    return math.ceil((normal.inv_cdf(1 - tail) + normal.inv_cdf(power)) ** 2 * variance / effect**2)


def _span(interval: Interval) -> str:
    values = (round(value, 2) + 0.0 for value in (interval.estimate, interval.low, interval.high))
    return "{:.2f} ({:.2f} to {:.2f})".format(*values)
