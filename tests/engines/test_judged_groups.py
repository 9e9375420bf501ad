"""Groups whose tasks have no checks are decided by a judge, behind a real server; all others never reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.agent.group_rollout import Answered
from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Check, CheckKind, Task
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.core.trajectory import Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.engines.judging import judged_groups, open_judge
from metaclaw_jlab.engines.stopping import Stopped
from metaclaw_jlab.reward_models.credit import group_rewards
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.reward_models.outcome import trajectory_score
from metaclaw_jlab.runtime.training_folder import read_job, write_job
from metaclaw_jlab.store.prompts import write_prompts
from tests.engines.toy_training import STEPS, prepared, prompt, run_to_end, save_model, weights
from tests.reward_models.ballots import RAISED, JudgeServer, element, step

TASK = Task("Print a good number.")


def opinion(shown: str) -> int:
    """For code that says it is good."""
    return 1 if "good" in element("code", shown.rpartition("<step>")[2]) else -1


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    opened = JudgeServer(opinion)
    yield opened
    opened.close()


@pytest.fixture
def judge_at() -> Callable[..., Judge]:
    def make(server: JudgeServer, **changes: object) -> Judge:
        settings = JudgeSettings(base_url=server.base_url, model="judge", votes=1, **changes)
        judge = open_judge(settings, "policy")
        assert judge is not None
        return judge

    return make


def asked(task: Task = TASK, *skills: str, before: tuple[Step, ...] = ()) -> TrainingPrompt:
    return TrainingPrompt("t", PromptKind.QUERY, task, opening(task, skills), StartState(), before)


def answered(*steps: Step, own: int = 0) -> Answered:
    done = Trajectory("t", TASK, Stamp(0, (), "m"), steps=steps, stop=StopReason.DONE)
    return Answered(trajectory_score(steps, ()), steps[own], done)


GOOD, BAD = answered(step("good = 1")), answered(step("bad = 1"))


def test_without_checks_the_vote_on_the_last_step_is_the_outcome(
    server: JudgeServer, judge_at: Callable[..., Judge]
) -> None:
    (group,) = judged_groups([asked()], [[GOOD, BAD]], judge_at(server))
    assert [one.outcome for one in group] == [
        Score(1.0, ScoreSource.JUDGE, "1 of 1 votes: seen"),
        Score(-1.0, ScoreSource.JUDGE, "1 of 1 votes: seen"),
    ]
    assert group_rewards(group, process_weight=0.25, judged=True).rewards == (1.0, -1.0)


@pytest.mark.parametrize(
    "checked",
    [
        asked(replace(TASK, checks=(Check(CheckKind.EXPRESSION, "x"),))),
        replace(asked(), start=StartState(practice="{}")),
    ],
)
def test_a_task_with_checks_never_reaches_the_judge(
    server: JudgeServer, judge_at: Callable[..., Judge], checked: TrainingPrompt
) -> None:
    groups = [[GOOD, BAD]]
    assert judged_groups([checked], groups, judge_at(server)) == groups
    assert server.requests == []


def test_an_exception_is_the_floor_and_nobody_is_asked(
    server: JudgeServer, judge_at: Callable[..., Judge]
) -> None:
    raised = replace(step("good / 0"), observation=RAISED)
    ended_so = answered(step("good = 1"), replace(raised, index=1))
    mended = answered(raised, step("good = 1", index=1))
    (group,) = judged_groups([asked()], [[answered(raised), ended_so, mended]], judge_at(server))
    assert group_rewards(group, process_weight=0.25, judged=True).rewards == (-1.0, -1.0, -1.0)
    assert server.requests == []


def test_the_own_step_gets_a_vote_beside_that_on_the_last_one(
    server: JudgeServer, judge_at: Callable[..., Judge]
) -> None:
    earlier, own, last = step("x"), step("bad = 1", index=1), step("good = 1", index=2)
    (group,) = judged_groups(
        [asked(before=(earlier,))], [[answered(earlier, own, last, own=1)]], judge_at(server)
    )
    assert group_rewards(group, process_weight=0.25, judged=True).rewards == (0.75,)
    assert len(server.chats) == 2
    judged_groups(
        [asked(before=(earlier,))], [[answered(earlier, own, last, own=1)]], judge_at(server), steps=False
    )
    assert len(server.chats) == 3


def test_equal_answers_are_judged_once_and_by_the_rules_of_their_prompt(
    server: JudgeServer, judge_at: Callable[..., Judge]
) -> None:
    judged_groups([asked(TASK, "Be good.")], [[GOOD, BAD, GOOD]], judge_at(server))
    assert len(server.chats) == 2
    assert all("<rule>\nBe good.\n</rule>" in chat.messages[-1]["content"] for chat in server.chats)


def test_what_the_judge_cannot_say_is_unscored(server: JudgeServer, judge_at: Callable[..., Judge]) -> None:
    server.opinion = lambda _: "Score: 10"
    (group,) = judged_groups([asked()], [[GOOD]], judge_at(server))
    assert isinstance(group[0].outcome, Unscored)
    (group,) = judged_groups([asked()], [[GOOD]], judge_at(server, max_calls=0))
    assert isinstance(group[0].outcome, Unscored)
    assert "budget" in group[0].outcome.reason


def test_what_could_not_be_run_stays_unscored(server: JudgeServer, judge_at: Callable[..., Judge]) -> None:
    nothing = Answered(Unscored("There was no room."))
    assert judged_groups([asked()], [[nothing]], judge_at(server)) == [[nothing]]


def test_a_stop_ends_the_waiting(server: JudgeServer, judge_at: Callable[..., Judge]) -> None:
    server.hang()

    def check() -> None:
        if server.chats:
            raise Stopped

    with pytest.raises(Stopped):
        judged_groups([asked()], [[GOOD]], judge_at(server), check=check)


def test_its_key_and_other_secrets_are_found_by_name_and_never_shown(
    server: JudgeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "judge-key-1")
    monkeypatch.setenv("OTHER_KEY", "other-key-2")
    server.key = "judge-key-1"
    settings = JudgeSettings(base_url=server.base_url, model="judge", votes=1, key_env="JUDGE_KEY")
    judge = open_judge(settings, "policy", ["JUDGE_KEY", "OTHER_KEY", "UNSET_KEY"])
    assert judge is not None
    told = answered(step("good = ['judge-key-1', 'other-key-2']"))
    (group,) = judged_groups([asked()], [[told]], judge)
    assert isinstance(group[0].outcome, Score)
    assert "key-" not in server.chats[0].messages[-1]["content"]


def test_a_judge_is_no_policy_and_none_without_an_address(server: JudgeServer) -> None:
    assert open_judge(JudgeSettings(), "policy") is None
    with pytest.raises(ConfigError):
        open_judge(JudgeSettings(base_url=server.base_url, model="judge"), "judge")


# ---------------------------------------------------------------- a worker


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_model(tmp_path_factory.mktemp("model"))


def test_a_worker_trains_on_votes_within_what_the_run_may_ask(tmp_path: Path, model: str) -> None:
    toy = prepared(tmp_path / "home", model, replay_share=0.0, beta=0.01)
    server = JudgeServer(lambda shown: 1 if "a" in element("said", shown.rpartition("<step>")[2]) else -1)
    bare = [prompt(number, id=id_) for number, id_ in enumerate(toy.ids)]
    write_prompts(toy.folder.query, [replace(one, task=replace(one.task, checks=())) for one in bare])
    told = {"base_url": server.base_url, "model": "judge", "votes": 1, "secret_names": ["JUDGE_KEY"]}
    write_job(toy.folder, replace(read_job(toy.folder), judge={**told, "max_calls": 30}))
    events = run_to_end(toy)
    server.close()
    assert events[-1]["ending"] == "done"
    assert len(server.chats) == 30
    assert (toy.folder.path / "judge_requests").read_text() == "0"
    steps = [event for event in events if event["event"] == "step"]
    assert len(steps) == STEPS
    assert steps[0]["unscored"] < steps[-1]["unscored"]
    assert any(abs(tensor).max() > 0 for name, tensor in weights(toy).items() if "lora_B" in name)
