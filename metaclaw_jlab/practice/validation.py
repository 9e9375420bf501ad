"""Fresh validation tasks of a house, for gates and for choices that must not see the test split."""

from __future__ import annotations

from metaclaw_jlab.practice.house import House
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.practice.sampling import task_set
from metaclaw_jlab.practice.task import PracticeTask


def validation_tasks(
    house: House, seed: int, n: int, *, names: Style = "random", compound_share: float = 0.5
) -> tuple[PracticeTask, ...]:
    """n tasks of the house, that share of them compounds; other ones for every seed.

    The embedded model never understands the one compound wording that is held out for validation: with it half of
    these tasks would tell nothing, so their parts are joined as in training.
    """
    return task_set(
        "validation", seed, n, house=house, names=names, compound_share=compound_share, joined="train"
    )
