"""Support and query mixed: copies train, what is support stays support."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.arm import Arm, Learning
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.trajectory import Purpose, Role
from metaclaw_jlab.evaluation.ablation.unseparated import copy_older
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.support import Support
from tests.evaluation.ablation.chains import Chains, chains_of

ARM = Arm("mixed", learning=Learning(skills=True, separated=False))


@pytest.fixture
def chains(tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch) -> Chains:
    made = chains_of(tmp_path / "home", [ARM], arm_pool, monkeypatch, days=Days(2, tasks=4, round_size=4))
    made.go(ARM)
    return made


def test_what_evolved_the_skills_trains_with_its_prompts_as_they_were(chains: Chains) -> None:
    with closing(chains.open(ARM)) as workspace:
        before = {one.id: one for one in workspace.trajectories().recent(100)}
        support = [one for one in before.values() if one.role is Role.SUPPORT]
        assert support
        copied = copy_older(workspace)
        after = {one.id: one for one in workspace.trajectories().recent(100)}
        copies = [one for id_, one in after.items() if id_ not in before]
        assert copied == len(copies) >= len(support)
        sent = {one.steps[0].messages for one in copies}
        assert sent >= {one.steps[0].messages for one in support}
        assert {one.role for one in copies} == {Role.QUERY}
        assert {one.purpose for one in copies} == {Purpose.RETRY}
        assert {id_: one.role for id_, one in after.items() if id_ in before} == {
            id_: one.role for id_, one in before.items()
        }
        generation = workspace.synchronised().generation.number
        assert {one.stamp.skill_generation for one in copies} == {generation}


def test_copies_wait_for_no_skill_and_are_not_copied_again(chains: Chains) -> None:
    with closing(chains.open(ARM)) as workspace:
        copy_older(workspace)
        assert Support(workspace.database()).pending(100) == ()
        assert Query(workspace.database()).older(100) == ()
        assert copy_older(workspace) == 0


def test_a_users_home_keeps_them_apart(tmp_path: Path) -> None:
    with closing(open_workspace(tmp_path / "users")) as workspace, pytest.raises(AblationError):
        copy_older(workspace)
