"""The pull towards the base without adapter, which TRL is not told of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from metaclaw_jlab.core.training import StepReport
from metaclaw_jlab.engines.grpo import GrpoPlan, train
from tests.engines.toy_training import Mischief, ToyRooms, prompt, save_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("model"))


def trained(
    model: str, folder: Path, *, beta: float, parent: Path | None = None
) -> tuple[Path, Sequence[float]]:
    """A short training, and how far from the base it was, as far as that was computed."""
    plan = GrpoPlan(
        run=1,
        model=model,
        seed=5,
        steps=8,
        prompts=4,
        group=4,
        lr=1e-2,
        rank=4,
        temperature=1.0,
        replay_share=0.0,
        beta=beta,
        process_weight=0.0,
        micro_batch=5,
        max_tokens=12,
        max_steps=2,
        parent=str(parent) if parent else None,
    )
    reports: list[StepReport] = []
    prompts = [prompt(number) for number in range(8)]
    adapter = train(plan, prompts, (), ToyRooms(Mischief()), folder=folder, on_step=reports.append)
    return adapter, [report.kl for report in reports if report.kl is not None]


def test_a_heavy_pull_keeps_it_near_the_base_of_all_its_parents(model: str, tmp_path: Path) -> None:
    free, without = trained(model, tmp_path / "free", beta=0.0)
    _, held = trained(model, tmp_path / "held", beta=2.0)
    assert held[-1] < without[-1] / 4
    pulled, back = trained(model, tmp_path / "back", beta=2.0, parent=free)
    assert back[0] > held[-1]
    assert min(back) < back[0] / 2
    assert [path.name for path in pulled.iterdir() if path.is_dir()] == []
