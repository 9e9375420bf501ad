"""Days that are run: what the agent is told and sees, and what is scored."""

import threading
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.evaluation.metaclaw_bench.arm_run import run_days
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import run_day
from metaclaw_jlab.evaluation.metaclaw_bench.records import KeptDays, day_record, day_result
from metaclaw_jlab.evaluation.metaclaw_bench.sanity import SANITY_POLICIES

# What a scripted policy does in each round of the small benchmark, and what it has to score.
SCRIPT = {
    "day01": [("colour.txt", "amber", ""), ("", "", r"\bbox{A}"), ("colour.txt", "violet", "")],
    "day02": [("", "", r"\bbox{B,D}"), ("colour.txt", "grey", "done")],
}
SCORES = {"day01": [1.0, 0.75, 1.0], "day02": [0.75, 0.0]}


class Scripted:
    """Does what its script says, and remembers what it was told and saw."""

    def __init__(self, day):
        self.day, self.talks, self.seen = day.id, [], []

    def __call__(self, conversation, workspace):
        self.talks.append(conversation)
        self.seen.append(sorted(str(path.relative_to(workspace)) for path in workspace.rglob("*")))
        steps = SCRIPT[self.day]
        if len(self.talks) > len(steps):
            return "Thank you."
        name, text, reply = steps[len(self.talks) - 1]
        if name:
            (workspace / self.day / name).write_text(text)
        return reply


@pytest.fixture
def ran(small, scorer):
    agent = Scripted(small.days[0])
    return agent, run_day(small.days[0], agent, small.workspaces, scorer)


def said(agent):
    return [talk[-1].content for talk in agent.talks]


def test_a_scripted_policy_gets_what_it_is_due_in_each_round(small, scorer):
    results = run_days(small, Scripted, scorer)
    assert {day.day: [one.score for one in day.rounds] for day in results} == SCORES


def test_feedback_on_the_round_before_precedes_each_question(ran, small):
    agent, _ = ran
    questions = [round_.question for round_ in small.days[0].rounds]
    assert said(agent)[:3] == [
        questions[0],
        f"[Previous Feedback] That is the colour.\n\n{questions[1]}",
        f"[Previous Feedback] Of C there is this to say.\n\n{questions[2]}",
    ]


def test_the_last_feedback_is_sent_alone(ran):
    agent, result = ran
    assert said(agent)[3:] == ["[Previous Feedback] That is the colour."]
    assert len(result.rounds) == 3


def test_a_day_is_one_conversation_that_its_opening_begins(ran, small):
    agent, _ = ran
    last = agent.talks[-1]
    assert last[:2] == small.days[0].opening
    assert [message.role for message in last] == [
        "user",
        "assistant",
        "user",
        "user",
        "assistant",
        "user",
        "user",
    ]


def test_the_workspace_has_the_files_of_the_day_alone_and_no_checker(ran):
    agent, _ = ran
    assert agent.seen[0] == ["AGENTS.md", "day01", "day01/notes.txt"]
    assert agent.seen[-1] == ["AGENTS.md", "day01", "day01/colour.txt", "day01/notes.txt"]


def test_the_next_day_begins_afresh(small, scorer):
    agents = []

    def agent_of(day):
        agents.append(Scripted(day))
        return agents[-1]

    run_days(small, agent_of, scorer)
    assert agents[1].seen[0] == ["AGENTS.md", "day02", "day02/notes.txt"]
    assert not any("day01" in message.content for message in agents[1].talks[-1])


def test_the_benchmark_itself_is_not_changed(small, scorer):
    before = sorted(small.workspaces.rglob("*"))
    run_days(small, Scripted, scorer)
    assert sorted(small.workspaces.rglob("*")) == before


def test_a_policy_that_breaks_down_gets_nothing_for_the_round_and_goes_on(small, scorer):
    def agent(conversation, workspace):
        if "r2" in conversation[-1].content:
            raise PolicyUnavailable("Nothing answers.", "Start it.")
        return r"\bbox{A,C}"

    result = run_day(small.days[0], agent, small.workspaces, scorer)
    assert [one.failure for one in result.rounds] == [None, "Nothing answers. Start it.", None]
    assert result.rounds[1].score == 0


# ---------------------------------------------------------------- several days


def test_days_in_parallel_and_one_by_one_agree(small, scorer):
    def untimed(results):
        return [[(one.round, one.score, one.reply, one.check) for one in day.rounds] for day in results]

    serial = run_days(small, Scripted, scorer)
    assert untimed(run_days(small, Scripted, scorer, parallel=2)) == untimed(serial)


def test_days_in_parallel_do_run_at_once(small, scorer):
    both = threading.Barrier(2, timeout=60)

    def agent_of(day):
        both.wait()
        return lambda *_: ""

    assert [day.day for day in run_days(small, agent_of, scorer, parallel=2)] == ["day01", "day02"]


def test_a_day_under_way_ends_with_its_round_where_another_breaks_off(small, scorer, tmp_path):
    asked, broken = [], threading.Event()

    def agent_of(day):
        def answer(conversation, _):
            asked.append(day.id)
            assert broken.wait(60)
            return ""

        if day.id == "day02":
            broken.set()
            raise KeyboardInterrupt
        return answer

    kept = KeptDays(tmp_path / "kept", small)
    with pytest.raises(KeyboardInterrupt):
        run_days(small, agent_of, scorer, parallel=2, kept=kept)
    assert asked.count("day01") < len(small.days[0].rounds)
    assert kept.find(small.days[0]) is None


def test_a_result_survives_being_written_down(ran):
    _, result = ran
    assert day_result(day_record(result)) == result


def test_a_run_that_was_stopped_goes_on_with_the_day_it_was_in(small, scorer, tmp_path):
    kept = KeptDays(tmp_path / "kept", small)
    begun: list[str] = []

    def stopped(day):
        begun.append(day.id)
        if day.id == "day02":
            raise KeyboardInterrupt
        return Scripted(day)

    with pytest.raises(KeyboardInterrupt):
        run_days(small, stopped, scorer, kept=kept)

    def again(day):
        begun.append(day.id)
        return Scripted(day)

    results = run_days(small, again, scorer, kept=kept)
    assert begun == ["day01", "day02", "day02"]
    assert {day.day: [one.score for one in day.rounds] for day in results} == SCORES
    assert run_days(small, stopped, scorer, kept=kept) == results


def spoil_record(path: Path) -> None:
    path.write_text(path.read_text()[:-20])


def test_half_a_record_is_no_record(small, scorer, tmp_path):
    kept = KeptDays(tmp_path / "kept", small)
    run_days(small, Scripted, scorer, kept=kept)
    spoil_record(tmp_path / "kept/day01.json")
    assert kept.find(small.days[0]) is None
    assert kept.find(small.days[1]) is not None


@pytest.mark.parametrize("path", ["workspaces/shared/day01/notes.txt", "workspaces/shared/AGENTS.md"])
def test_a_day_that_starts_with_other_files_is_run_again(small, scorer, folder, tmp_path, path):
    kept = KeptDays(tmp_path / "kept", small)
    run_days(small, Scripted, scorer, kept=kept)
    (folder / path).write_text("other")
    assert kept.find(small.days[0]) is None


# ---------------------------------------------------------------- the sanity policies


@pytest.mark.parametrize(
    ("policy", "scores"),
    [
        ("null", {"day01": [0, 0, 0], "day02": [0, 0]}),
        ("select-all", {"day01": [0, 0.5, 0], "day02": [0.25, 0]}),
        ("answers", {"day01": [0, 1, 0], "day02": [1, 0]}),
    ],
)
def test_a_sanity_policy_scores_what_it_must(small, scorer, policy, scores):
    results = run_days(small, SANITY_POLICIES[policy], scorer)
    assert {day.day: [one.score for one in day.rounds] for day in results} == scores
