from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.library_index import current_versions
from metaclaw_jlab.inspection.whence import (
    FAILURES,
    LearntFrom,
    evidence_of,
    failure_lines,
    learnt_in_words,
    marks_of,
    use_in_words,
    version_in_words,
    whence,
)
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.uses import Effect, SkillUse, Uses
from tests.inspection.learning_samples import REWORDED, RULE, SAID, failed


def commit(workspace: Workspace, *skills: object) -> None:
    Skills(workspace.database()).commit_generation(Cause.USER, skills)  # type: ignore[arg-type]


def test_the_failures_behind_a_skill_are_named_with_place_and_sentence(learnt: Workspace) -> None:
    (failure,) = whence(learnt, RULE.name).failures
    assert (failure.trajectory, failure.notebook, failure.cell_id, failure.said) == (
        "bad",
        "a.ipynb",
        "c1",
        SAID,
    )
    assert failure.generation == 1


def test_a_failure_in_words_says_when_where_and_what(learnt: Workspace) -> None:
    told = learnt_in_words(whence(learnt, RULE.name).failures[0])
    assert told.endswith(f'in a.ipynb, cell c1, task bad: "{SAID}"')
    assert told.startswith("2023-11-")


def test_a_failure_that_is_not_there_is_told_as_such() -> None:
    assert "forgotten" in learnt_in_words(LearntFrom(1, "gone", "x"))


def test_failures_of_later_generations_are_left_out_on_demand(learnt: Workspace) -> None:
    learnt.trajectories().record(failed("later"))
    Skills(learnt.database()).commit_generation(
        Cause.EVOLVER, [REWORDED], ["later"], lessons=[Lesson(RULE.name, Source("later", "No."))]
    )
    assert [failure.trajectory for failure in whence(learnt, RULE.name).failures] == ["later", "bad"]
    assert [failure.trajectory for failure in whence(learnt, RULE.name, by=1).failures] == ["bad"]


def test_many_failures_are_counted_and_the_newest_named(learnt: Workspace) -> None:
    ids = [f"bad{number}" for number in range(8)]
    for each in ids:
        learnt.trajectories().record(failed(each))
    lessons = [Lesson(RULE.name, Source(each, "No.")) for each in ids]
    Skills(learnt.database()).commit_generation(Cause.EVOLVER, [REWORDED], ids, lessons=lessons)
    found = whence(learnt, RULE.name)
    assert (found.failure_count, len(found.failures)) == (9, FAILURES)
    assert failure_lines(found, 2)[2:] == ["and 7 more failures"]


def test_the_versions_tell_which_generation_brought_what(learnt: Workspace) -> None:
    commit(learnt, REWORDED)
    commit(learnt)
    found = whence(learnt, RULE.name)
    assert [(version.generation, version.sha256) for version in found.history] == [
        (1, RULE.sha256),
        (2, REWORDED.sha256),
        (3, None),
    ]
    assert found.current is None
    old = found.version(RULE.sha256, by=1)
    assert old is not None
    assert version_in_words(old).startswith("g1, learnt from failures, ")


def test_a_content_that_came_back_is_the_version_of_its_time(learnt: Workspace) -> None:
    commit(learnt, REWORDED)
    commit(learnt, RULE)
    found = whence(learnt, RULE.name)
    versions = [found.version(RULE.sha256, by=number) for number in (1, 2, 3)]
    assert [version and version.generation for version in versions] == [1, 1, 3]


def test_uses_are_told_by_their_ends_and_effects(learnt: Workspace) -> None:
    Uses(learnt.database()).record_effect("good", RULE.name, RULE.sha256, Effect.HELPED)
    use = whence(learnt, RULE.name).use
    assert use is not None
    assert use_in_words(use) == "used 1 time: 1 passed; helped 1, hurt 0"


def test_a_skill_without_a_use_says_so() -> None:
    assert use_in_words(SkillUse()) == "not used yet"


def test_a_skill_that_only_waits_has_no_ends() -> None:
    assert use_in_words(SkillUse(uses=2)) == "used 2 times"


def test_marks_of_another_content_are_left_out(learnt: Workspace) -> None:
    marks = Marks(learnt.database())
    marks.mark(RULE.name, Mark.PINNED)
    marks.mark(RULE.name, Mark.QUARANTINED, REWORDED.sha256)
    assert marks_of(learnt)[RULE.name] == ("pinned",)
    commit(learnt, REWORDED)
    assert marks_of(learnt)[RULE.name] == ("pinned", "quarantined")


def test_the_evidence_of_a_generation_is_told_with_what_was_said(learnt: Workspace) -> None:
    (failure,) = evidence_of(learnt, 1, ("bad",))
    assert (failure.trajectory, failure.said) == ("bad", SAID)


def test_evidence_without_a_lesson_is_told_too(learnt: Workspace) -> None:
    learnt.trajectories().record(failed("silent"))
    Skills(learnt.database()).commit_generation(Cause.EVOLVER, [REWORDED], ["silent"])
    assert [(failure.trajectory, failure.said) for failure in evidence_of(learnt, 2, ("silent",))] == [
        ("silent", "")
    ]


def test_the_current_versions_are_the_last_of_each_history(learnt: Workspace) -> None:
    other = RULE.__class__("dates", "How dates look.", "Day first.")
    for skills in ([REWORDED], [RULE, other], [other], [RULE, other]):
        commit(learnt, *skills)
    found = current_versions(learnt)
    assert found == {name: whence(learnt, name).current for name in (RULE.name, "dates")}
    assert (found[RULE.name].generation, found["dates"].generation) == (5, 3)
