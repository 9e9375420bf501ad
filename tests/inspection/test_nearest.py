import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.inspection import nearest as module
from metaclaw_jlab.inspection.nearest import nearest
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.skills import Skills
from tests.inspection.learning_samples import asked

CSV = Skill("csv", "How values are separated.", "Write csv files with semicolons")
DATES = Skill("dates", "How dates look.", "Write dates as day/month/year")


def names(workspace: Workspace, text: str) -> list[str]:
    return [match.skill.name for match in nearest(workspace, text, 3)]


def test_the_skill_that_shares_words_is_nearest(workspace: Workspace) -> None:
    Skills(workspace.database()).commit_generation(Cause.USER, [CSV, DATES])
    assert names(workspace, "Save the rows as csv") == ["csv"]
    assert names(workspace, "Hello") == []


def test_an_empty_library_has_none(workspace: Workspace) -> None:
    assert names(workspace, "Save the rows as csv") == []


def test_a_new_generation_is_looked_at(workspace: Workspace) -> None:
    Skills(workspace.database()).commit_generation(Cause.USER, [CSV])
    assert names(workspace, "Which dates?") == []
    Skills(workspace.database()).commit_generation(Cause.USER, [CSV, DATES])
    assert names(workspace, "Which dates?") == ["dates"]


def test_a_new_text_of_a_skill_is_looked_at(workspace: Workspace) -> None:
    Skills(workspace.database()).commit_generation(Cause.USER, [CSV])
    workspace.trajectories().record(asked("t1"))
    assert names(workspace, "bake the almond cakes") == []
    IndexTexts(workspace.database()).add("csv", "bake the almond cakes", "t1")
    assert names(workspace, "bake the almond cakes") == ["csv"]


def test_a_library_too_large_to_index_while_a_page_waits_has_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    Skills(workspace.database()).commit_generation(Cause.USER, [CSV, DATES])
    monkeypatch.setattr(module, "LARGEST", 2)
    assert names(workspace, "Save the rows as csv") == ["csv"]
    monkeypatch.setattr(module, "LARGEST", 1)
    assert names(workspace, "Save the rows as csv") == []
