"""Where the skills of an arm's prompts come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.arm import Arm, SkillSource
from metaclaw_jlab.core.errors import NotFound, UsageMistake
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Task
from metaclaw_jlab.core.task_set import TrialTask
from metaclaw_jlab.evaluation.ablation.attempting import SkillsOf
from metaclaw_jlab.evaluation.ablation.skill_sources import feedback_skills, skills_for
from metaclaw_jlab.evaluation.practice_arms import draw_households, retrieved_skills
from metaclaw_jlab.evaluation.task_sets.practice_tasks import household_of, load_practice, practice_task
from metaclaw_jlab.practice import RULES, rule_skill
from metaclaw_jlab.practice.feedback import feedback as said_of
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.start_states import StartStates
from tests.store.samples import ended

TRIALS = load_practice("practice:held-out", 12, seed=4, days=None).test
HOME = household_of(TRIALS[0])
OTHER = TrialTask("mine", Task("Write the dates of the table into a markdown file", checks=()))

NEAR = "Write the dates of another table into a markdown file"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A home that has learnt all rules of the house; before that it had one of them."""
    with closing(open_workspace(tmp_path_factory.mktemp("sources") / "home")) as opened:
        library = Skills(opened.database())
        library.commit_generation(Cause.USER, HOME.skills[:1])
        library.commit_generation(Cause.USER, HOME.skills)
        yield opened


def source(kind: SkillSource, workspace: Workspace, seed: int = 1, **changes: object) -> SkillsOf:
    return skills_for(replace(Arm("own", kind), **changes), workspace, seed=seed)  # type: ignore[arg-type]


def phrasings(rule: str) -> set[str]:
    """What can be said of a rule's listed options."""
    every = RULES[rule].options
    return {rule_skill(rule, option, Random(n), split="test").body for option in every for n in range(200)}


def names(found: tuple[Match, ...]) -> list[str]:
    return [match.skill.name for match in found]


def test_without_skills_there_are_none(workspace: Workspace) -> None:
    assert source(SkillSource.NONE, workspace)(TRIALS[0]) == ()


def test_of_the_library_come_those_of_a_users_prompt(workspace: Workspace) -> None:
    chosen = source(SkillSource.LIBRARY, workspace)
    found = [chosen(trial) for trial in TRIALS]
    assert found == [workspace.retrieve(trial.task, workspace.synchronised().skills) for trial in TRIALS]
    assert any(found)


def test_an_older_generation_has_its_own_skills(workspace: Workspace) -> None:
    chosen = source(SkillSource.LIBRARY, workspace, generation=1)
    found = {name for trial in TRIALS for name in names(chosen(trial))}
    assert found <= {HOME.skills[0].name}


def test_a_generation_that_there_is_not_is_told(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        source(SkillSource.LIBRARY, workspace, generation=9)


def test_what_is_learnt_meanwhile_counts(tmp_path: Path) -> None:
    with closing(open_workspace(tmp_path / "home")) as opened:
        chosen = source(SkillSource.LIBRARY, opened)
        assert not any(chosen(trial) for trial in TRIALS)
        Skills(opened.database()).commit_generation(Cause.USER, HOME.skills)
        assert any(chosen(trial) for trial in TRIALS)


def test_by_lot_come_as_many_of_the_same_library(workspace: Workspace) -> None:
    drawn, retrieved = (source(kind, workspace) for kind in (SkillSource.RANDOM, SkillSource.LIBRARY))
    for trial in TRIALS:
        found = names(drawn(trial))
        assert len(found) == len(set(found)) == len(retrieved(trial))
        assert set(found) <= {skill.name for skill in HOME.skills}
    assert [names(drawn(trial)) for trial in TRIALS] != [names(retrieved(trial)) for trial in TRIALS]


def test_seed_and_task_decide_the_lot(workspace: Workspace) -> None:
    one, again, other = (source(SkillSource.RANDOM, workspace, seed) for seed in (1, 1, 2))
    found = [names(one(trial)) for trial in TRIALS]
    assert found == list(reversed([names(again(trial)) for trial in reversed(TRIALS)]))
    assert found != [names(other(trial)) for trial in TRIALS]


def test_what_is_in_no_prompt_is_not_drawn(workspace: Workspace) -> None:
    out = HOME.skills[2].name
    marks = Marks(workspace.database())
    marks.mark(out, Mark.QUARANTINED)
    try:
        drawn = [source(SkillSource.RANDOM, workspace, seed) for seed in range(20)]
        assert out not in {name for one in drawn for trial in TRIALS for name in names(one(trial))}
    finally:
        marks.unmark(out, Mark.QUARANTINED)


def test_strangers_are_as_many_and_as_long(workspace: Workspace) -> None:
    strange, retrieved = (source(kind, workspace) for kind in (SkillSource.PLACEBO, SkillSource.LIBRARY))
    for trial in TRIALS:
        lengths = [len(match.skill.body) for match in retrieved(trial)]
        assert [len(match.skill.body) for match in strange(trial)] == pytest.approx(lengths, rel=0.1)


def test_strangers_say_nothing_that_the_house_wants(workspace: Workspace) -> None:
    options = HOME.house.options
    wanted = {rule_skill(r, options[r], Random(n), split="test").body for r in options for n in range(200)}
    chosen = source(SkillSource.PLACEBO, workspace)
    said = {match.skill.body for trial in TRIALS for match in chosen(trial)}
    assert said
    assert not said & wanted


def test_strangers_speak_of_the_rules_that_they_replace(workspace: Workspace) -> None:
    strange, retrieved = (source(kind, workspace) for kind in (SkillSource.PLACEBO, SkillSource.LIBRARY))
    pairs = [pair for t in TRIALS for pair in zip(retrieved(t), strange(t), strict=True)]
    told = [(own.skill.name, other.skill.body) for own, other in pairs if not RULES[own.skill.name].copied]
    assert told
    assert all(any(body.startswith(one) for one in phrasings(rule)) for rule, body in told)


def test_a_learnt_skill_is_known_by_the_failures_that_it_came_from(tmp_path: Path) -> None:
    stream = load_practice("practice:held-out", 1, seed=4, days=Days(1, tasks=12)).days[0]
    with closing(open_workspace(tmp_path / "home")) as opened:
        trial, rule = next((one, r) for one in stream for r in _rules(one) if not RULES[r].copied)
        task = practice_task(trial.start)
        assert task is not None
        said = said_of(rule, task.options[rule], task.id)
        opened.trajectories().record(ended("aa", task=trial.task))
        StartStates(opened.database()).keep("aa", trial.start)
        learnt = Skill("learnt", f"When asked: {trial.task.text}", said)
        Skills(opened.database()).commit_generation(
            Cause.EVOLVER, [learnt], evidence=["aa"], lessons=[Lesson("learnt", Source("aa", said))]
        )
        (found,) = source(SkillSource.PLACEBO, opened)(trial)
        assert any(found.skill.body.startswith(one) for one in phrasings(rule))


def test_tasks_of_no_house_get_strangers_too(workspace: Workspace) -> None:
    strange, retrieved = (source(kind, workspace) for kind in (SkillSource.PLACEBO, SkillSource.LIBRARY))
    own = retrieved(OTHER)
    assert own
    assert len(strange(OTHER)) == len(own)


def test_feedback_stands_where_skills_would(workspace: Workspace) -> None:
    told = [
        ("aa", "Write the dates into a markdown file", "Dates are YYYY-MM-DD here."),
        ("bb", "Sing", "Louder!"),
    ]
    chosen = skills_for(Arm("own", SkillSource.FEEDBACK), workspace, seed=1, feedback=lambda: told)
    assert [match.skill.body for match in chosen(OTHER)] == ["Dates are YYYY-MM-DD here."]


def test_what_was_said_of_the_very_task_is_kept_from_it(workspace: Workspace) -> None:
    told = [
        ("aa", f" {OTHER.task.text.upper()}", "Dates are YYYY-MM-DD here."),
        ("bb", NEAR, "Write ## for titles."),
    ]
    chosen = skills_for(Arm("own", SkillSource.FEEDBACK), workspace, seed=1, feedback=lambda: told)
    assert [match.skill.body for match in chosen(OTHER)] == ["Write ## for titles."]


def test_feedback_that_comes_later_counts(workspace: Workspace) -> None:
    told: list[tuple[str, str, str]] = []
    chosen = skills_for(Arm("own", SkillSource.FEEDBACK), workspace, seed=1, feedback=lambda: told)
    assert chosen(OTHER) == ()
    told.append(("aa", NEAR, "Dates are YYYY-MM-DD here."))
    assert names(chosen(OTHER)) == ["feedback-1"]


def test_feedback_becomes_a_skill_whatever_its_size() -> None:
    told = [
        ("aa", "Add " * 1000, "Too\n" * 1000),
        ("bb", " ", "Wrong."),
        ("cc", "Count", "  "),
        ("dd", "Sum", "Off by one."),
        ("ee", "Sum", "Off by one."),
    ]
    found = feedback_skills(told)
    assert [skill.name for skill in found] == ["feedback-1", "feedback-2", "feedback-3"]
    assert [skill.body for skill in found[1:]] == ["Wrong.", "Off by one."]


def test_the_stores_failures_are_told_where_nobody_tells_others(tmp_path: Path) -> None:
    with closing(open_workspace(tmp_path / "home")) as opened:
        chosen = source(SkillSource.FEEDBACK, opened)
        assert chosen(OTHER) == ()
        check = CheckResult(Check(CheckKind.FILE, "out.md"), False, "Dates are YYYY-MM-DD here.")
        opened.trajectories().record(ended("aa", task=Task(NEAR), checks=(check,)))
        Feedbacks(opened.database()).add(Feedback("aa", FeedbackKind.BAD, "The heading is missing."))
        (found,) = chosen(OTHER)
        assert found.skill.body == "The heading is missing.\nDates are YYYY-MM-DD here."
        assert found.skill.description == NEAR


def test_given_skills_are_found_as_before(workspace: Workspace) -> None:
    households = draw_households(4, 12, houses=1)
    before = retrieved_skills(households, workspace.settings().skills)
    chosen = source(SkillSource.GIVEN, workspace)
    assert [chosen(trial) for trial in TRIALS] == [before(task) for task in households[0].tasks]


def test_given_skills_are_of_practice_houses_alone(workspace: Workspace) -> None:
    with pytest.raises(UsageMistake, match="none of a practice house"):
        source(SkillSource.GIVEN, workspace)(OTHER)


def _rules(trial: TrialTask) -> tuple[str, ...]:
    task = practice_task(trial.start)
    return () if task is None else task.rules
