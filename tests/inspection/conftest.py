from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.store.skills import Lesson, Skills
from tests.inspection.learning_samples import RULE, SAID, asked, failed, injected


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("METACLAW_HOME", "METACLAW_POLICY_BASE_URL", "METACLAW_ADMIN_CONFIG", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace on a new home."""
    made = open_workspace(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def learnt(workspace: Workspace) -> Workspace:
    """A home in which task `bad` failed, generation 1 learnt from it, and task `good` passed under it."""
    store = workspace.trajectories()
    store.record(failed("bad"))
    lesson = Lesson(RULE.name, Source("bad", SAID), "save the rows as csv")
    Skills(workspace.database()).commit_generation(Cause.EVOLVER, [RULE], ["bad"], lessons=[lesson])
    store.record(asked("good", injected(), generation=1))
    return workspace
