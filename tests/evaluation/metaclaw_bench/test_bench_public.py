"""The public days, where there is a copy of them: the sanity policies come out where they must."""

from dataclasses import dataclass, replace

import pytest

from metaclaw_jlab.core.policy import Completion, Sampling
from metaclaw_jlab.evaluation.metaclaw_bench.arm_run import run_days
from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer
from metaclaw_jlab.evaluation.metaclaw_bench.format import Day, FileCheck, MultiChoice
from metaclaw_jlab.evaluation.metaclaw_bench.report import arm_report, select_all_floor
from metaclaw_jlab.evaluation.metaclaw_bench.round_agent import Lesson, RoundAgent, Terms
from metaclaw_jlab.evaluation.metaclaw_bench.sanity import SANITY_POLICIES


@pytest.fixture(scope="module")
def floor(public):
    return select_all_floor(public)


def test_the_floor_is_about_21_percent(floor):
    assert 0.20 < floor < 0.225


@pytest.mark.parametrize("policy", ["null", "select-all"])
def test_a_policy_without_file_work_passes_no_file_check(public, check_pool, floor, policy):
    results = run_days(public, SANITY_POLICIES[policy], Scorer(check_pool, public.checkers), parallel=2)
    found = arm_report(results)
    assert found["completion"] == 0
    assert found["rounds"] == 229
    assert found["accuracy"] == pytest.approx(floor if policy == "select-all" else 0)


def test_known_answers_get_every_choice_and_no_file(public, check_pool):
    day = public.days[0]
    (result,) = run_days(
        type(public)(public.name, (day,), public.workspaces, public.checkers),
        SANITY_POLICIES["answers"],
        Scorer(check_pool, public.checkers),
    )
    assert [one.score for one in result.rounds] == [float(isinstance(one, MultiChoice)) for one in day.rounds]


def test_a_day_whose_files_are_right_is_done(public, check_pool):
    """Files as the rules of day 6 want them, whatever they hold: the names are what is checked."""
    (day,) = [day for day in public.days if day.id == "day06"]

    def answer(conversation, workspace):
        number = sum(message.role == "user" for message in conversation)
        for kind in ("json", "md"):
            (workspace / "day06" / f"20260323_part_{number}.{kind}").write_text("{}")
        return ""

    (result,) = run_days(
        type(public)(public.name, (day,), public.workspaces, public.checkers),
        lambda _: answer,
        Scorer(check_pool, public.checkers),
    )
    passed = [one.right for one in result.rounds if one.kind == "file_check"]
    assert passed == [True] * sum(isinstance(round_, FileCheck) for round_ in day.rounds)


@dataclass
class Knowing:
    """Selects all options but the last right one of each choice, and names files in day 6 as its rule wants them."""

    days: dict[str, Day]
    model: str = "knowing"

    def complete(self, messages, sampling, *, on_text=None):
        said = messages[-1].content
        text = "Done."
        for day in self.days.values():
            for round_ in day.rounds:
                if not said.endswith(round_.question):
                    continue
                if isinstance(round_, MultiChoice):
                    text = f"\\bbox{{{','.join(chosen(round_))}}}"
                elif day.id == "day06":
                    names = [f"day06/20260323_part_{round_.id}.{kind}" for kind in ("json", "md")]
                    text = f"```python\nfor name in {names}:\n    open(name, 'w').write('{{}}')\n```"
        return Completion(text, "stop", self.model)


def chosen(round_: MultiChoice) -> list[str]:
    return sorted(set(round_.options) - {max(round_.answer)})


def test_a_scripted_policy_gets_what_it_is_due_in_each_round_through_the_agent(public, check_pool):
    wanted = {day.id: day for day in public.days if day.id in ("day01", "day06", "day29")}
    some = replace(public, days=tuple(wanted.values()))
    terms = Terms(
        policy=Knowing(wanted),
        pool=check_pool,
        sampling=Sampling(),
        max_steps=3,
        taught=lambda *_: Lesson(),
    )
    results = run_days(
        some, lambda day: RoundAgent(day, terms), Scorer(check_pool, public.checkers), parallel=2
    )
    for day, result in zip(some.days, results, strict=True):
        due = [
            1 - len(set(chosen(one)) ^ one.answer) / len(one.options)
            if isinstance(one, MultiChoice)
            else float(day.id == "day06")
            for one in day.rounds
        ]
        assert [one.score for one in result.rounds] == pytest.approx(due)
