import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.core.trajectory import InjectedSkill
from metaclaw_jlab.evaluation.research.stages import Execution
from metaclaw_jlab.evaluation.research.turns import cost_of, read_turns, skills_by_stage, stage_at
from metaclaw_jlab.learning.turn_keeping import keep_exchange
from metaclaw_jlab.learning.turns import Conversations

EXECUTIONS = (
    Execution(1, "topic_init", "done", 10.0, 1010.0),
    Execution(2, "problem_decompose", "done", 30.0, 1040.0),
    Execution(3, "search_strategy", "done", 20.0, 1100.0),
)


@pytest.fixture
def workspace(tmp_path):
    workspace = open_workspace(tmp_path / "home")
    yield workspace
    workspace.close()


def keep(workspace, text, *, at, client="k1", stage="", skills=()):
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    asked = Asked(body, body, client=client, at=at, stage=stage, skills=skills)
    replied = Replied("Done.", prompt_tokens=7, completion_tokens=3, model="m")
    keep_exchange(workspace.database(), asked, replied, Conversations().place(asked, replied))


@pytest.mark.parametrize(
    ("at", "stage"),
    [
        (1005.0, "topic_init"),
        (1012.0, "problem_decompose"),
        (1039.0, "problem_decompose"),
        (1095.0, "search_strategy"),
        (1103.0, "search_strategy"),
        (1060.0, ""),
        (1200.0, ""),
    ],
)
def test_the_time_tells_the_stage(at, stage):
    assert stage_at(at, EXECUTIONS) == stage


def test_a_header_outweighs_the_time(workspace):
    keep(workspace, "One.", at=1005.0, stage="PEER_REVIEW")
    keep(workspace, "Two.", at=1005.0)
    keep(workspace, "Three.", at=2000.0)
    found = read_turns(workspace.database(), ["k1"], EXECUTIONS)
    assert [(turn.stage, turn.told_by) for turn in found] == [
        ("peer_review", "header"),
        ("topic_init", "time"),
        ("", ""),
    ]


def test_the_turns_of_others_are_not_told(workspace):
    keep(workspace, "One.", at=1005.0, client="k2")
    assert read_turns(workspace.database(), ["k1"], EXECUTIONS) == ()


def test_cost_and_skills_are_those_of_the_turns(workspace):
    skill = InjectedSkill("cite-well", "0" * 64, 0.9)
    keep(workspace, "One.", at=1005.0, skills=(skill,))
    keep(workspace, "Two.", at=1006.0, skills=(skill,))
    keep(workspace, "Three.", at=1095.0)
    turns = read_turns(workspace.database(), ["k1"], EXECUTIONS)
    assert cost_of(turns) == {"calls": 3, "prompt_tokens": 21, "completion_tokens": 9}
    assert skills_by_stage(turns) == {"topic_init": {"cite-well": 2}}
