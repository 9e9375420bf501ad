"""The temperature at which an arm does best."""

from __future__ import annotations

import pytest

from metaclaw_jlab.evaluation.ablation.temperatures import best_temperature


@pytest.mark.parametrize(
    ("shares", "best"),
    [
        ({0.0: 0.4, 0.3: 0.5, 0.7: 0.3}, 0.3),
        ({0.0: 0.4, 0.3: 0.3, 0.7: 0.5}, 0.7),
        ({0.0: 0.4, 0.3: 0.5, 0.7: 0.5}, 0.3),
        ({0.0: 0.0, 0.3: 0.0, 0.7: 0.0}, 0.0),
    ],
)
def test_the_largest_share_decides_and_of_equals_the_lowest(shares: dict[float, float], best: float) -> None:
    assert best_temperature(shares.__getitem__) == best


def test_each_temperature_is_measured_once() -> None:
    asked: list[float] = []

    def measure(temperature: float) -> float:
        asked.append(temperature)
        return 0.5

    assert best_temperature(measure, (0.7, 0.0)) == 0.0
    assert asked == [0.0, 0.7]
