from dataclasses import replace

from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.task import Origin
from metaclaw_jlab.core.trajectory import ExecutionError, InjectedSkill, Observation, Purpose, Stamp
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.task_pages import StepMark, page_of_tasks, step_score
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import TASK, ended, opened, skill, step

JUDGED = Score(0.5, ScoreSource.JUDGE)
OUTCOME = Score(-0.5, ScoreSource.OUTCOME)
USER = Score(1.0, ScoreSource.USER)


def test_the_newest_task_comes_first(database: Database, trajectories: Trajectories) -> None:
    for name in ("first", "second", "third"):
        trajectories.record(ended(name))
    assert [row.id for row in page_of_tasks(database, 9)] == ["third", "second", "first"]


def test_the_pages_are_all_tasks_once(database: Database, trajectories: Trajectories) -> None:
    for number in range(7):
        trajectories.record(ended(f"t{number}"))
    found: list[str] = []
    before = None
    while page := page_of_tasks(database, 3, before=before):
        found += [row.id for row in page]
        before = page[-1].number
    assert found == [f"t{number}" for number in range(6, -1, -1)]


def test_a_page_holds_no_more_than_was_asked_for(database: Database, trajectories: Trajectories) -> None:
    for number in range(5):
        trajectories.record(ended(f"t{number}"))
    assert len(page_of_tasks(database, 2)) == 2


def test_only_tasks_of_the_notebook_are_listed(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(ended("here"))
    trajectories.record(ended("there", task=replace(TASK, origin=Origin("b.ipynb", "c1"))))
    trajectories.record(ended("nowhere", task=replace(TASK, origin=Origin())))
    assert [row.id for row in page_of_tasks(database, 9, notebook="b.ipynb")] == ["there"]


def test_a_row_says_what_the_trajectory_says(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(ended("done"))
    trajectory, row = trajectories.get("done"), page_of_tasks(database, 1)[0]
    assert (row.text, row.notebook, row.stop, row.score, row.role, row.model) == (
        trajectory.task.text,
        trajectory.task.origin.notebook,
        trajectory.stop,
        trajectory.score,
        trajectory.role,
        trajectory.stamp.model,
    )


def test_an_open_task_has_no_end(database: Database, trajectories: Trajectories) -> None:
    trajectories.begin(opened("open"))
    assert (page_of_tasks(database, 1)[0].stop, page_of_tasks(database, 1)[0].score) == (None, None)


def ids(database: Database, **among: object) -> list[str]:
    return [row.id for row in page_of_tasks(database, 9, **among)]  # type: ignore[arg-type]


def with_skill(*names: str) -> Stamp:
    return Stamp(0, tuple(InjectedSkill(name, skill(name).sha256, 1.0) for name in names), "tiny")


def test_tasks_of_no_notebook_are_asked_for_by_an_empty_name(
    database: Database, trajectories: Trajectories
) -> None:
    trajectories.record(ended("here"))
    trajectories.record(ended("nowhere", task=replace(TASK, origin=Origin())))
    assert ids(database, notebook="") == ["nowhere"]


def test_only_tasks_with_the_skill_are_listed(
    database: Database, trajectories: Trajectories, skills: Skills
) -> None:
    trajectories.record(ended("with", stamp=with_skill("csv", "dates")))
    trajectories.record(ended("other", stamp=with_skill("dates")))
    trajectories.record(ended("without"))
    assert ids(database, skill="csv") == ["with"]


def test_tasks_that_may_not_teach_are_found_by_their_skill_too(
    database: Database, trajectories: Trajectories
) -> None:
    trajectories.record(ended("quiet", stamp=with_skill("csv"), learn=False))
    trajectories.record(ended("gate", stamp=with_skill("csv"), purpose=Purpose.GATE))
    trajectories.record(ended("plain", stamp=with_skill("csv")))
    assert ids(database, skill="csv") == ["plain", "gate", "quiet"]


def test_only_tasks_of_the_generation_are_listed(
    database: Database, trajectories: Trajectories, skills: Skills
) -> None:
    trajectories.record(ended("old"))
    skills.commit_generation(Cause.USER, [skill("csv")])
    trajectories.record(ended("new", stamp=Stamp(1, (), "tiny")))
    assert (ids(database, generation=0), ids(database, generation=1)) == (["old"], ["new"])


def test_filters_and_pages_go_together(database: Database, trajectories: Trajectories) -> None:
    for number in range(5):
        trajectories.record(
            ended(f"t{number}", stamp=with_skill("csv") if number % 2 else Stamp(0, (), "tiny"))
        )
    assert ids(database, skill="csv", notebook="a.ipynb", generation=0, before=4) == ["t1"]


def test_a_row_names_its_skills(database: Database, trajectories: Trajectories) -> None:
    trajectories.record(ended("with", stamp=with_skill("csv", "dates")))
    assert page_of_tasks(database, 1)[0].skills == ("csv", "dates")


def test_a_row_has_the_marks_of_its_steps(database: Database, trajectories: Trajectories) -> None:
    raised = replace(step(1), observation=Observation(error=ExecutionError("KeyError", "'x'")))
    steps = (replace(step(0), scores=(JUDGED,)), raised, step(2, observed=False))
    trajectories.record(ended("stepped", steps=steps))
    assert page_of_tasks(database, 1)[0].steps == (
        StepMark(0.5, ScoreSource.JUDGE, False),
        StepMark(None, None, True),
        StepMark(None, None, False),
    )


def test_a_step_is_marked_by_the_score_that_counts() -> None:
    scores: list[Scoring] = [USER, JUDGED, OUTCOME]
    assert step_score(scores) == USER
    assert step_score(scores[1:]) == OUTCOME
    assert step_score([Unscored("nobody looked"), JUDGED]) == JUDGED
    assert step_score([Unscored("nobody looked")]) is None


def test_a_row_says_what_the_user_said_until_it_is_taken_back(
    database: Database, trajectories: Trajectories
) -> None:
    trajectories.record(ended("told"))
    Feedbacks(database).add(Feedback("told", FeedbackKind.GOOD))
    trajectories.score("told", USER)
    assert page_of_tasks(database, 1)[0].said == "good"
    Feedbacks(database).withdraw("told")
    assert page_of_tasks(database, 1)[0].said is None
