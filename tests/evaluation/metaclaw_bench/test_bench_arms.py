"""Arms on the benchmark: what they learn from day to day, in homes of their own, and how they go on after a kill."""

import shutil
from contextlib import closing
from dataclasses import replace

import pytest

from metaclaw_jlab.agent.prompt import skills_told
from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.arm import Arm, SkillSource
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.evaluation.ablation.arms import parse_arms, preset
from metaclaw_jlab.evaluation.metaclaw_bench.arms import ArmsPlan, check_arms, run_arms
from metaclaw_jlab.evaluation.metaclaw_bench.loader import load_benchmark
from metaclaw_jlab.evaluation.metaclaw_bench.round_learning import night
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning.admission import admit_settled
from metaclaw_jlab.learning.query_set import query_prompts
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from tests.evaluation.metaclaw_bench.answering import RULE, rule_follower, system_of
from tests.evaluation.metaclaw_bench.small_bench import choice, file_check, write_bench

DAYS = {
    "day01": [file_check("r1", "amber", "day01"), file_check("r3", "amber", "day01")],
    "day02": [file_check("r1", "amber", "day02"), choice("r2")],
    "day03": [file_check("r1", "amber", "day03")],
}


@pytest.fixture
def plan(tmp_path, scripted_server):
    """Three days whose rule is learnt from the first feedback, and a home that knows nothing."""
    scripted_server.always(rule_follower)
    settings = {
        "policy.base_url": scripted_server.base_url,
        "policy.model": "scripted",
        "sandbox.unattended": True,
    }
    return ArmsPlan(
        benchmark=load_benchmark(write_bench(tmp_path / "bench", DAYS)),
        arms=parse_arms("baseline,skills"),
        source=open_home(tmp_path / "home"),
        folder=tmp_path / "out",
        settings=settings,
        hidden=(tmp_path / "bench",),
    )


def scores(days):
    return [[one.score for one in day.rounds] for day in days]


def chain(plan, arm="skills"):
    return open_workspace(plan.folder / arm / "chain" / "home", plan.settings, namespace="")


def test_a_failed_round_becomes_a_skill_that_the_next_round_is_told(plan, scripted_server):
    found = run_arms(plan).results
    assert scores(found["baseline"]) == [[0, 0], [0, 0], [0]]
    assert scores(found["skills"]) == [[0, 1], [1, 0], [1]]
    assert found["skills"][1].rounds[0].skills == ("colour-of-files",)
    told = [
        skills_told([Message("system", system_of(chat.body))])
        for chat in scripted_server.chats
        if "It is day03." in str(chat.messages)
    ]
    assert (RULE,) in told


def test_the_own_home_learns_nothing(plan):
    run_arms(replace(plan, arms=(preset("skills"),)))
    with closing(open_workspace(plan.source.path, namespace="")) as own:
        assert own.synchronised().skills == ()
        assert own.trajectories().counts().trajectories == 0


def test_an_arm_that_does_not_learn_is_told_the_skills_of_the_home(plan):
    run_arms(replace(plan, arms=(preset("skills"),)))
    learnt = replace(plan, source=open_home(plan.folder / "skills/chain/home"), folder=plan.folder / "again")
    still = Arm("still", adapter="base")
    found = run_arms(replace(learnt, arms=(still,))).results
    assert scores(found["still"]) == [[1, 1], [1, 0], [1]]


def test_raw_feedback_stands_in_the_place_of_skills(plan):
    found = run_arms(replace(plan, arms=(preset("feedback"),))).results
    assert all(one.skills[0].startswith("feedback-") for one in found["feedback"][1].rounds[:1])
    with closing(chain(plan, "feedback")) as home:
        assert Skills(home.database()).current_number() == 0


def test_rounds_are_recorded_with_their_outcome(plan):
    run_arms(replace(plan, arms=(preset("skills"),)))
    with closing(chain(plan)) as home:
        first, second, *_ = reversed(home.trajectories().recent(20))
        assert [result.passed for result in first.checks] == [False]
        assert first.checks[0].feedback == "The colour has to be amber."
        assert first.role is Role.SUPPORT
        assert [result.passed for result in second.checks] == [True]
        assert "check_word" not in first.task.text


def test_code_that_knows_where_the_checkers_are_does_not_see_them(plan, scripted_server, tmp_path):
    checker = tmp_path / "bench/eval/scripts/check_word.py"
    look = f"```python\nimport os\nprint('there:', os.path.exists({str(checker)!r}))\n```"
    scripted_server.always(lambda body: "Seen." if "<output>" in str(body["messages"][-1]) else look)
    done = run_arms(replace(plan, arms=(preset("baseline"),)))
    shown = [str(chat.messages) for chat in scripted_server.chats if "there:" in str(chat.messages[-1])]
    isolated = any("files hidden" in protection for protection in done.protections)
    assert shown
    assert all(f"there: {not isolated}" in text for text in shown)


# ---------------------------------------------------------------- going on after a kill


@pytest.mark.parametrize("place", ["after the first day", "in the second day"])
def test_a_killed_run_goes_on_to_the_same_result(plan, tmp_path, place):
    whole = run_arms(replace(plan, folder=tmp_path / "whole")).results
    seen = []

    def on_round(arm, _):
        seen.append(arm)
        if place == "in the second day" and seen.count("skills") == 3:
            raise KeyboardInterrupt

    def on_day(arm, day, _ran):
        if place == "after the first day" and (arm, day.day) == ("skills", "day01"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_arms(replace(plan, on_round=on_round, on_day=on_day))
    ran = []
    again = run_arms(replace(plan, on_day=lambda arm, day, now: ran.append((arm, day.day, now)))).results
    assert {arm: scores(days) for arm, days in again.items()} == {
        arm: scores(days) for arm, days in whole.items()
    }
    assert ("baseline", "day01", False) in ran
    assert ("skills", "day01", False) in ran
    assert ("skills", "day02", True) in ran


def test_what_is_finished_is_not_run_again(plan, scripted_server):
    before = run_arms(plan).results
    asked = len(scripted_server.chats)
    assert run_arms(plan).results == before
    assert len(scripted_server.chats) == asked


def test_a_chain_without_its_seal_begins_anew(plan):
    plan = replace(plan, arms=(preset("skills"),))
    before = run_arms(plan).results
    shutil.rmtree(plan.folder / "skills" / "chain")
    ran = []
    again = run_arms(replace(plan, on_day=lambda arm, day, now: ran.append((arm, now)))).results
    assert scores(again["skills"]) == scores(before["skills"])
    assert [now for arm, now in ran if arm == "skills"] == [True, True, True]


def test_an_arm_that_is_another_one_now_is_run_again(plan):
    run_arms(replace(plan, arms=(preset("baseline"),)))
    ran = []
    other = replace(preset("baseline"), temperature=0.5)
    run_arms(replace(plan, arms=(other,), on_day=lambda _arm, _day, now: ran.append(now)))
    assert ran == [True, True, True]


# ---------------------------------------------------------------- weights


def test_weights_behind_an_endpoint_are_not_trained_and_it_is_said(plan):
    found = run_arms(replace(plan, arms=(preset("full"),))).results["full"]
    assert [len(day.notes) for day in found] == [1, 1, 0]
    assert "whose weights are not trained here" in found[0].notes[0]
    assert scores(found) == [[0, 1], [1, 0], [1]]


def test_rounds_with_a_file_check_can_be_done_again(plan):
    """A round starts again from the files that it began with, and its check brings its checkers along."""
    run_arms(replace(plan, arms=(preset("full"),)))
    with closing(chain(plan, "full")) as home:
        recorded = list(reversed(home.trajectories().recent(20)))
        starts = [StartStates(home.database()).get(one.id) for one in recorded]
    assert [start is not None for start in starts] == [True, True, True, False, True]
    start, task = starts[2], recorded[2].task
    assert start is not None
    assert sorted(start.files) == ["AGENTS.md", "day02/notes.txt"]
    with SandboxPool(1, preload=()) as pool, pool.open(files=start.files) as room:
        assert not room.evaluate(task.checks[0]).passed
        room.execute("open('day02/colour.txt', 'w').write('amber')")
        assert room.evaluate(task.checks[0]).passed
        room.execute("open('day02/colour.txt', 'w').write('grey')")
        assert room.evaluate(task.checks[0]).feedback == "The colour has to be amber."
        assert not [path for path in room.files() if path.startswith("scripts")]


def test_a_night_without_enough_to_train_on_says_so(tmp_path):
    with closing(open_workspace(tmp_path / "home", namespace="")) as home:
        said = night(home, seed=1, say=lambda _: None)
    assert said.startswith("The weights were not trained: 0 of 8 query tasks wait to be trained on")


def test_what_was_lived_through_can_be_trained_on(plan):
    """Of the current generation, the rounds with a file check that started from files that are kept."""
    run_arms(replace(plan, arms=(preset("full"),)))
    with closing(chain(plan, "full")) as home:
        assert admit_settled(home.database()) == 3
        query = Query(home.database())
        prompts = query_prompts(home.database(), (*query.waiting(), *query.held_out()))
    assert {prompt.task.text.split()[-1] for prompt in prompts} == {
        "day01/colour.txt.",
        "day02/colour.txt.",
        "day03/colour.txt.",
    }
    assert all(prompt.checked and prompt.messages[0].role == "system" for prompt in prompts)


# ---------------------------------------------------------------- arms that cannot be


@pytest.mark.parametrize(
    ("arm", "cause"),
    [
        (preset("wrong-10"), "practice tasks"),
        (preset("window-5"), "practice tasks"),
        (preset("given"), "practice house"),
        (preset("best-temperature"), "best temperature"),
    ],
)
def test_an_arm_that_these_days_cannot_have_is_refused(arm, cause):
    with pytest.raises(UsageMistake, match=cause):
        check_arms((arm,))


def test_two_arms_of_one_name_are_refused():
    with pytest.raises(UsageMistake, match="two arms"):
        check_arms((preset("skills"), Arm("skills", SkillSource.NONE)))
