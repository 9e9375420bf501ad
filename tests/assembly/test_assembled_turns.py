from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.assembly.turns import TurnLearning, learn_from_turns
from metaclaw_jlab.assembly.workspace import Workspace, open_workspace
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.core.feedback import FeedbackKind
from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.inspection.feedback import say
from metaclaw_jlab.learning.turn_keeping import keep_exchange
from metaclaw_jlab.learning.turn_scoring import NO_JUDGE, Scored
from metaclaw_jlab.learning.turns import Conversations
from metaclaw_jlab.store.support import Support
from tests.reward_models.ballots import JudgeServer, element, honest
from tests.store.samples import ended

QUESTION = "Save the rows of prices.csv in dear.csv"


def opinion(shown: str) -> int | str:
    if element("task", shown) != QUESTION:
        return honest(shown)
    if "semicolons" in element("said", shown):
        return 1
    return '{"reason": "Use semicolons in csv files.", "score": -1}'


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    opened = JudgeServer(opinion)
    yield opened
    opened.close()


def workspace_of(path: Path, **overrides: object) -> Workspace:
    return open_workspace(path / "home", {"evolver.kind": "distiller", **overrides})


def turn(workspace: Workspace, answer: str) -> str:
    body = {"messages": [{"role": "user", "content": QUESTION}]}
    asked, replied = Asked(body, body, at=1.0), Replied(answer, model="m")
    placed = Conversations().place(asked, replied)
    keep_exchange(workspace.database(), asked, replied, placed)
    return placed.trajectory


def test_what_a_judge_calls_wrong_goes_the_way_of_every_failure(tmp_path: Path, server: JudgeServer) -> None:
    workspace = workspace_of(
        tmp_path, **{"judge.base_url": server.base_url, "judge.model": "judge", "proxy.train_judged": True}
    )
    wrong = turn(workspace, "df.to_csv('dear.csv')")
    right = turn(workspace, "With semicolons: df.to_csv('dear.csv', sep=';')")
    found = learn_from_turns(workspace)
    assert found.scored == Scored(scored=2, wrong=1)
    assert Support(workspace.database()).pending(9) == ()
    assert found.generations == (1,)
    assert workspace.trajectories().get(wrong).role is Role.SUPPORT
    # A generation came of it, so the turn from before is of no use to a training any more.
    assert (found.admitted, workspace.trajectories().get(right).role) == (0, Role.NEITHER)
    workspace.close()


def test_turns_are_admitted_only_where_the_user_allows_it(tmp_path: Path, server: JudgeServer) -> None:
    workspace = workspace_of(tmp_path, **{"judge.base_url": server.base_url, "judge.model": "judge"})
    right = turn(workspace, "With semicolons: df.to_csv('dear.csv', sep=';')")
    assert learn_from_turns(workspace) == TurnLearning(Scored(scored=1))
    workspace.overrides["proxy.train_judged"] = True
    assert learn_from_turns(workspace).admitted == 1
    assert workspace.trajectories().get(right).role is Role.QUERY
    workspace.close()


def test_the_tasks_of_a_kernel_are_left_to_the_kernel(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path)
    workspace.trajectories().record(ended("task"))
    learn_from_turns(workspace)
    assert Support(workspace.database()).pending(9) == ("task",)
    said = turn(workspace, "df.to_csv('dear.csv')")
    say(workspace, said, FeedbackKind.BAD, "Use semicolons in csv files.")
    assert learn_from_turns(workspace).generations == (1,)
    assert Support(workspace.database()).pending(9) == ()
    workspace.close()


def test_a_kernels_task_that_the_user_called_bad_is_learnt_from_at_once(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path)
    workspace.trajectories().record(ended("task"))
    say(workspace, "task", FeedbackKind.BAD, "Use semicolons in csv files.")
    assert learn_from_turns(workspace).generations == (1,)
    assert workspace.trajectories().get("task").role is Role.SUPPORT
    workspace.close()


def test_without_a_judge_turns_teach_nothing_by_themselves(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path)
    turn(workspace, "df.to_csv('dear.csv')")
    assert learn_from_turns(workspace) == TurnLearning(Scored(reason=NO_JUDGE))
    workspace.close()
