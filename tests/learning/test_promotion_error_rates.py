"""How often a gate errs, simulated with fixed seeds."""

import itertools
import math
import random

import pytest

from metaclaw_jlab.core.gate import Paired, Verdict
from metaclaw_jlab.learning.promotion import decide

WON = [Paired(f"task-{n}", 1.0, 0.0) for n in range(400)]
LOST = [Paired(f"task-{n}", 0.0, 1.0) for n in range(400)]
TIED = [Paired(f"task-{n}", 1.0, 1.0) for n in range(400)]


def drawn(rng: random.Random, tasks: int, gain: float, discordance: float) -> list[Paired]:
    won, lost = (discordance + gain) / 2, (discordance - gain) / 2
    kinds = rng.choices((WON, LOST, TIED), (won, lost, 1 - won - lost), k=tasks)
    return [kind[n] for n, kind in enumerate(kinds)]


def calm(rng: random.Random, discordance: float = 0.05) -> dict[str, list[Paired]]:
    sets = ("base/T=0", "base/T=0.7", "best/T=0", "best/T=0.7")
    return {name: drawn(rng, 200, 0.0, discordance) for name in sets}


def null_gates(rng: random.Random, discordance: float, gates: int) -> list[tuple[int, int]]:
    """Wins and losses over 400 tasks where neither side is better."""
    chances = [
        math.comb(400, differing) * discordance**differing * (1 - discordance) ** (400 - differing)
        for differing in range(401)
    ]
    counts = rng.choices(range(401), chances, k=gates)
    wins = [rng.getrandbits(differing).bit_count() for differing in counts]
    return [(won, differing - won) for won, differing in zip(wins, counts, strict=True)]


def counted(won: int, lost: int) -> list[Paired]:
    return WON[:won] + LOST[won : won + lost] + TIED[won + lost :]


@pytest.mark.parametrize("discordance", [0.1, 0.3, 0.5])
def test_at_most_one_history_of_twenty_null_gates_in_twenty_promotes(discordance: float) -> None:
    rng = random.Random(17)
    steady = {"base/T=0": counted(2, 2)[:200]}
    histories, promoted = 400, 0
    gates = iter(null_gates(rng, discordance, 20 * histories))
    for _ in range(histories):
        for look, (won, lost) in enumerate(itertools.islice(gates, 20), 1):
            hopeless = won - lost <= 1.5 * math.sqrt(won + lost)  # see the next test
            if not hopeless and decide(counted(won, lost), steady, looks=look).verdict is Verdict.PROMOTE:
                promoted += 1
    assert 0 < promoted / histories <= 0.05


@pytest.mark.parametrize("differing", [25, 49, 121, 225])
def test_a_gain_of_one_and_a_half_standard_errors_never_promotes(differing: int) -> None:
    won = (differing + math.ceil(1.5 * math.isqrt(differing))) // 2
    steady = {"base/T=0": counted(2, 2)[:200]}
    assert decide(counted(won, differing - won), steady, looks=1).verdict is not Verdict.PROMOTE


def promoted_share(gain: float, look: int, gates: int) -> float:
    rng = random.Random(23)
    verdicts = [decide(drawn(rng, 400, gain, 0.3), calm(rng), looks=look).verdict for _ in range(gates)]
    return verdicts.count(Verdict.PROMOTE) / gates


def test_a_true_tenth_is_promoted_at_the_first_look_in_four_of_five() -> None:
    assert promoted_share(0.10, 1, 150) >= 0.8


def test_a_true_tenth_is_promoted_at_the_tenth_look_in_more_than_four_of_ten() -> None:
    assert promoted_share(0.10, 10, 100) > 0.4


def test_a_candidate_made_worse_is_rejected() -> None:
    rng = random.Random(29)
    verdicts = [decide(drawn(rng, 400, -0.05, 0.3), calm(rng), looks=1).verdict for _ in range(60)]
    assert verdicts.count(Verdict.REJECT) >= 58


def test_a_regression_against_the_best_ever_promoted_but_not_the_serving_one_never_promotes() -> None:
    rng = random.Random(31)
    verdicts = []
    for _ in range(60):
        regressions = {**calm(rng), "best/T=0": drawn(rng, 200, -0.15, 0.25)}
        verdicts.append(decide(drawn(rng, 400, 0.1, 0.3), regressions, looks=1).verdict)
    assert verdicts.count(Verdict.REJECT) >= 58
    assert Verdict.PROMOTE not in verdicts


def test_a_drop_of_the_tolerance_itself_passes_a_regression_set_in_one_of_twenty() -> None:
    rng = random.Random(37)
    gain = WON[:60] + TIED[60:400]
    passed = [
        decide(gain, {"base/T=0": drawn(rng, 200, -0.08, 0.2)}, looks=1).verdict is Verdict.PROMOTE
        for _ in range(300)
    ]
    assert sum(passed) / 300 <= 0.06
