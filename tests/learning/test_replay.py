from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.policy import Sampling
from metaclaw_jlab.core.replay import Case, Replayed
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Reference
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning.replay import FOLDER_BYTES, SandboxReplayer
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from tests.learning.homes import CHECK, SAID, failed

SKILL = Skill("csv", "Use when a csv is saved.", "Use semicolons")


class Obedient:
    """A policy that writes what its prompt says, and keeps the prompts."""

    model = "tiny"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def complete(self, messages, sampling, *, on_text=None):  # type: ignore[no-untyped-def]
        self.asked.append(messages[-1].content)
        sign = ";" if "semicolons" in messages[0].content else ","
        name = messages[-1].content.split()[-1]
        reply = f"```python\nopen('{name}', 'w').write(open('prices.csv').read().replace(',', '{sign}'))\n```\nDone."
        return ScriptedPolicy((reply,), model="tiny").complete(messages, sampling)


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    with SandboxPool(1, preload=()) as pool:
        yield pool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prices.csv").write_text("item,price\nlamp,45\n")
    return tmp_path


def replayer(
    pool: SandboxPool, folder: Path | None, trajectory: Trajectory, policy: Obedient
) -> SandboxReplayer:
    return SandboxReplayer(
        get=lambda _: trajectory,
        folder_of=lambda _: folder,
        policy=policy,
        pool=pool,
        sampling=Sampling(),
        max_steps=2,
    )


def test_the_task_is_done_again_under_the_skills_of_the_case(pool: SandboxPool, folder: Path) -> None:
    again = replayer(pool, folder, failed(), Obedient())
    without = again.replay(Case("t", ()))
    assert without is not None
    assert (without.passed, without.feedback) == (False, (SAID,))
    with_it = again.replay(Case("t", (SKILL,)))
    assert with_it is not None
    assert with_it.passed


def test_the_users_folder_stays_as_it_is(pool: SandboxPool, folder: Path) -> None:
    replayer(pool, folder, failed(), Obedient()).replay(Case("t", (SKILL,)))
    assert [path.name for path in folder.iterdir()] == ["prices.csv"]


def test_in_other_names_files_and_checks_are_renamed_alike(pool: SandboxPool, tmp_path: Path) -> None:
    (tmp_path / "velvet.csv").write_text("item,price\n")
    check = replace(CHECK, source="';' in open('silk.csv').read()")
    task = replace(failed().task, text="Save all rows of velvet.csv in silk.csv", checks=(check,))
    policy = Obedient()
    again = replayer(pool, tmp_path, replace(failed(), task=task), policy)
    again.replay(Case("t", (SKILL,), variation=1))
    assert "velvet" not in policy.asked[0]
    assert "silk" not in policy.asked[0]
    assert policy.asked[0].startswith("Save all rows of ")


def test_in_other_names_what_is_shown_of_a_file_is_named_as_the_file_is(
    pool: SandboxPool, tmp_path: Path
) -> None:
    (tmp_path / "velvet.csv").write_text("item,price\n")
    shown = (Reference("velvet.csv", "item,price"),)
    task = replace(failed().task, text="Save all rows of velvet.csv in silk.csv", references=shown)
    policy = Obedient()
    again = replayer(pool, tmp_path, replace(failed(), task=task), policy)
    again.replay(Case("t", (SKILL,), variation=1))
    assert '<data name="' in policy.asked[0]
    assert "velvet" not in policy.asked[0]


@pytest.mark.parametrize(
    "trajectory",
    [
        replace(failed(), task=replace(failed().task, checks=())),
        replace(failed(), stamp=replace(failed().stamp, model="another")),
    ],
    ids=["nothing checks it", "another policy did it"],
)
def test_what_a_replay_would_not_tell_is_none(
    pool: SandboxPool, folder: Path, trajectory: Trajectory
) -> None:
    assert replayer(pool, folder, trajectory, Obedient()).replay(Case("t", ())) is None


def test_the_folder_is_read_once_for_all_replays(pool: SandboxPool, folder: Path) -> None:
    again = replayer(pool, folder, failed(), Obedient())
    again.replay(Case("t", (SKILL,)))
    (folder / "prices.csv").unlink()
    replayed = again.replay(Case("t", (SKILL,)))
    assert replayed is not None
    assert replayed.passed


def test_a_large_folder_is_not_copied(pool: SandboxPool, folder: Path) -> None:
    (folder / "large.bin").write_bytes(bytes(FOLDER_BYTES + 1))
    assert replayer(pool, folder, failed(), Obedient()).replay(Case("t", ())) is None


def test_without_its_folder_there_is_no_replay(pool: SandboxPool) -> None:
    assert replayer(pool, None, failed(), Obedient()).replay(Case("t", ())) is None


def test_a_task_that_nothing_checks_is_done_again_where_that_is_wanted(
    pool: SandboxPool, folder: Path
) -> None:
    bare = replace(failed(), task=replace(failed().task, checks=()))
    again = replayer(pool, folder, bare, Obedient())
    assert again.replay(Case("t", ())) is None
    assert again.replay(Case("t", (), unchecked=True)) == Replayed(True)


def test_a_task_that_nothing_checks_and_that_ends_in_an_error_is_not_passed(
    pool: SandboxPool, tmp_path: Path
) -> None:
    bare = replace(failed(), task=replace(failed().task, checks=()))
    ended = replayer(pool, tmp_path, bare, Obedient()).replay(Case("t", (), unchecked=True))
    assert ended is not None
    assert (ended.passed, bool(ended.feedback)) == (False, True)
