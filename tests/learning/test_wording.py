import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.core.replay import Case, Replayed
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.learning.wording import Trial, choose_wording, clauses, obeyed, worded

SAID = "the csv was expected to have semicolons"
OTHER = "the file has no copy"
WORDINGS = worded(Skill("csv", "Use when a csv is saved.", "a"), ["a", "b", "c", "d", "e"])


@dataclass
class Reader:
    """A policy that obeys some wordings on some trajectories, and says how often it was asked."""

    obeys: Callable[[str, str], bool]
    fails: Callable[[str], bool] = lambda _: True
    concurrency: int = 2
    cases: list[Case] = field(default_factory=list)

    def replay(self, case: Case) -> Replayed | None:
        self.cases.append(case)
        own = [skill for skill in case.skills if skill.name == "csv"]
        if not own:
            return Replayed(False, (SAID,)) if self.fails(case.trajectory) else Replayed(True)
        good = self.obeys(own[0].body, case.trajectory)
        return Replayed(True) if good else Replayed(False, (SAID,))


def trials(*names: str) -> list[Trial]:
    return [Trial(name, (), (SAID,), SAID) for name in names]


def test_the_wording_that_is_obeyed_most_is_chosen() -> None:
    reader = Reader(lambda body, trajectory: body == "d" or (body == "b" and trajectory == "one"))
    choice = choose_wording(WORDINGS, trials("one", "two", "three"), reader, seconds=60)
    assert (choice.skill.body, choice.obeyed, choice.trials, choice.untried) == ("d", 3, 3, ())


def test_of_equal_ones_the_earlier_is_chosen() -> None:
    reader = Reader(lambda body, _: body in "ce")
    assert choose_wording(WORDINGS, trials("one"), reader, seconds=60).skill.body == "c"


def test_the_search_ends_with_a_wording_that_is_always_obeyed() -> None:
    reader = Reader(lambda body, _: body == "a", concurrency=1)
    choose_wording(WORDINGS, trials("one"), reader, seconds=60)
    assert len(reader.cases) == 2  # once without the skill, once with the first wording


def test_a_task_that_does_not_fail_without_the_skill_tells_nothing() -> None:
    reader = Reader(lambda body, _: body == "b", fails=lambda name: name == "bad")
    choice = choose_wording(WORDINGS, trials("good", "bad"), reader, seconds=60)
    assert (choice.skill.body, choice.trials) == ("b", 1)


def test_without_a_trial_the_first_wording_is_taken_and_there_is_nothing_to_try_later() -> None:
    reader = Reader(lambda *_: True, fails=lambda _: False)
    choice = choose_wording(WORDINGS, trials("good"), reader, seconds=60)
    assert (choice.skill.body, choice.trials, choice.untried) == ("a", 0, ())


def test_when_the_time_is_over_the_best_so_far_is_taken_and_the_rest_named() -> None:
    ticks = itertools.chain([0.0, 0.0], itertools.repeat(100.0))
    forever = threading.Event()

    def obeys(_body: str, _trajectory: str) -> bool:
        forever.wait(10)
        return True

    reader = Reader(obeys, concurrency=2)
    choice = choose_wording(WORDINGS, trials("one"), reader, seconds=50, clock=lambda: next(ticks))
    forever.set()
    assert choice.skill.body == "a"
    assert choice.untried == ("b", "c", "d", "e")


def test_at_most_three_trials_count() -> None:
    reader = Reader(lambda *_: True)
    assert choose_wording(WORDINGS, trials(*"123456"), reader, seconds=60).trials == 3


def test_the_other_skills_of_the_prompt_are_there_too() -> None:
    other = Skill("other", "Another.", "x")
    reader = Reader(lambda *_: True)
    choose_wording(WORDINGS[:1], [Trial("one", (other,), (SAID,), SAID)], reader, seconds=60)
    assert reader.cases[0].skills == (other,)
    assert reader.cases[1].skills == (WORDINGS[0], other)


def test_what_else_was_wrong_may_stay_wrong() -> None:
    trial = Trial("one", (), (f"{SAID}; {OTHER}",), SAID)
    assert obeyed(Replayed(False, (OTHER,)), trial)


def test_a_wording_that_breaks_something_else_is_not_obeyed() -> None:
    assert not obeyed(Replayed(False, (OTHER,)), Trial("one", (), (SAID,), SAID))


@pytest.mark.parametrize(("text", "parts"), [("", set()), ("a", {"a"}), ("a; b, c", {"a", "b, c"})])
def test_what_is_wrong_is_told_one_by_one(text: str, parts: set[str]) -> None:
    assert clauses([text]) == parts


@given(st.lists(st.sampled_from([SAID, OTHER, "x"]), max_size=4))
def test_clauses_do_not_depend_on_how_the_checks_are_cut(parts: list[str]) -> None:
    assert clauses(["; ".join(parts)]) == clauses(parts)


MODELS = Skill("by-model", "Use when a csv is saved.", "Use commas.")
DISTILLED = worded(Skill("by-distiller", "Use when a csv is saved.", "x"), ["x", "y"])


@dataclass
class Judge:
    """A policy that obeys some skills and fails otherwise with others; some tasks go well without any."""

    obeys: frozenset[str]
    breaks: frozenset[str] = frozenset()
    sound: frozenset[str] = frozenset()
    concurrency: int = 4
    cases: list[Case] = field(default_factory=list)

    def replay(self, case: Case) -> Replayed | None:
        self.cases.append(case)
        bodies = {skill.body for skill in case.skills}
        if bodies & self.breaks:
            return Replayed(False, (OTHER,))
        return (
            Replayed(True)
            if case.trajectory in self.sound or bodies & self.obeys
            else Replayed(False, (SAID,))
        )


def test_another_skill_is_not_tried_where_the_first_helps_everywhere() -> None:
    judge = Judge(frozenset({"Use commas.", "x"}))
    choice = choose_wording([MODELS, *DISTILLED], trials("one", "two"), judge, seconds=60, judged=True)
    assert (choice.skill, choice.obeyed, choice.refuted) == (MODELS, 2, False)
    assert not any(skill in DISTILLED for case in judge.cases for skill in case.skills)


def test_where_the_first_does_not_help_the_next_is_tried() -> None:
    judge = Judge(frozenset({"y"}))
    choice = choose_wording([MODELS, *DISTILLED], trials("one"), judge, seconds=60, judged=True)
    assert (choice.skill, choice.refuted) == (DISTILLED[1], False)


def test_where_none_helps_all_are_refuted() -> None:
    choice = choose_wording(
        [MODELS, *DISTILLED], trials("one", "two"), Judge(frozenset()), seconds=60, judged=True
    )
    assert (choice.obeyed, choice.trials, choice.refuted) == (0, 2, True)


def test_what_breaks_as_much_as_it_mends_is_refuted_where_it_is_judged() -> None:
    @dataclass
    class Trade:
        """Mends one task and breaks another."""

        concurrency: int = 2

        def replay(self, case: Case) -> Replayed | None:
            return (
                Replayed(True)
                if bool(case.skills) == (case.trajectory == "bad")
                else Replayed(False, (SAID,))
            )

    tried = trials("bad", "good")
    assert choose_wording([MODELS], tried, Trade(), seconds=60, judged=True).refuted
    assert not choose_wording([MODELS], tried, Trade(), seconds=60).refuted


def test_where_nothing_fails_again_nothing_is_refuted_and_the_one_for_that_is_taken() -> None:
    judge = Judge(frozenset(), sound=frozenset({"one"}))
    choice = choose_wording(
        [MODELS, *DISTILLED], trials("one"), judge, seconds=60, judged=True, untried=DISTILLED[0]
    )
    assert (choice.skill, choice.trials, choice.refuted) == (DISTILLED[0], 0, False)


def test_what_could_not_be_tried_is_not_refuted() -> None:
    """The policy's server ended between the tasks without the skill and those with it."""

    class Gone(Reader):
        def replay(self, case: Case) -> Replayed | None:
            return None if case.skills else super().replay(case)

    choice = choose_wording(WORDINGS, trials("one"), Gone(lambda *_: True), seconds=60, judged=True)
    assert not choice.refuted
    assert choice.untried == ("b", "c", "d", "e")


def test_of_what_was_left_untried_something_is_taken_rather_than_what_failed() -> None:
    # The deadline, two looks before the baseline and the first skill; then the time is over.
    ticks = itertools.chain([0.0] * 3, itertools.repeat(100.0))
    blocked = threading.Event()

    @dataclass
    class Slow:
        concurrency: int = 2

        def replay(self, case: Case) -> Replayed | None:
            if case.skills and case.skills[0] is not MODELS:
                blocked.wait(60)
            return Replayed(False, (SAID,))

    choice = choose_wording(
        [MODELS, *DISTILLED],
        trials("one"),
        Slow(),
        seconds=50,
        clock=lambda: next(ticks),
        judged=True,
        untried=MODELS,
    )
    blocked.set()
    assert (choice.skill, choice.untried, choice.refuted) == (DISTILLED[0], ("y",), False)


@dataclass
class Spoilt(Reader):
    """A policy whose task `by` goes well, but with the first wording."""

    def replay(self, case: Case) -> Replayed | None:
        if case.trajectory != "by":
            return super().replay(case)
        self.cases.append(case)
        return Replayed(not any(skill.body == "a" for skill in case.skills))


def test_a_wording_that_spoils_what_went_well_comes_after_one_that_does_not() -> None:
    reader = Spoilt(lambda body, _: body in "ac", concurrency=1)
    wordings, beside = WORDINGS[:3], [Trial("by", (), (), "")]
    choice = choose_wording(wordings, trials("one"), reader, seconds=60, judged=True, bystanders=beside)
    assert (choice.skill.body, choice.refuted) == ("c", False)
    assert all(case.unchecked for case in reader.cases if case.trajectory == "by")


def test_what_does_not_go_well_without_the_skill_either_does_not_count_against_it() -> None:
    reader = Reader(lambda body, trajectory: trajectory == "one")
    beside = [Trial("by", (), (), "")]
    choice = choose_wording(WORDINGS[:1], trials("one"), reader, seconds=60, judged=True, bystanders=beside)
    assert (choice.obeyed, choice.refuted) == (1, False)
