"""Training runs: one at a time, forward only, over for ever; and the reports of their steps."""

from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import GenerationMoved, InvariantViolation, NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.training import RunState, StepReport, TrainingRun
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.training import Training
from tests.kills import each_write
from tests.store.samples import Attack, begun, dump, skill

LIVE = (RunState.COLLECTING, RunState.TRAINING, RunState.PAUSED, RunState.GATING)
OVER = (RunState.DONE, RunState.ABANDONED, RunState.FAILED)
ENDS = (RunState.ABANDONED, RunState.FAILED)
ALLOWED = {
    RunState.COLLECTING: {RunState.TRAINING, RunState.PAUSED, *ENDS},
    RunState.TRAINING: {RunState.PAUSED, RunState.GATING, *ENDS},
    RunState.PAUSED: {RunState.COLLECTING, RunState.TRAINING, RunState.GATING, *ENDS},
    RunState.GATING: {RunState.PAUSED, RunState.DONE, *ENDS},
}
WAYS = {
    RunState.COLLECTING: (),
    RunState.TRAINING: (RunState.TRAINING,),
    RunState.PAUSED: (RunState.PAUSED,),
    RunState.GATING: (RunState.TRAINING, RunState.GATING),
}


@pytest.fixture
def training(database: Database) -> Training:
    return Training(database, clock=lambda: 2.0)


def brought_to(training: Training, database: Database, state: RunState) -> int:
    number = begun(database).number
    for stop in WAYS[state]:
        training.change(number, stop, "")
    return number


def test_a_run_begins_by_collecting(database: Database, training: Training) -> None:
    run = begun(database, steps=30, seed=7)
    assert run == TrainingRun(1, 0, "tiny", "bb", 7, 30, RunState.COLLECTING, "", 1.0, 1.0)
    assert training.get(1) == training.current() == run
    assert training.recent(9) == (run,)


def test_what_is_not_given_stays(database: Database, training: Training) -> None:
    begun(database)
    training.change(1, RunState.TRAINING, "It trains.", prompts=12)
    changed = training.change(1, RunState.TRAINING, "Step 4.", steps_done=4)
    assert (changed.reason, changed.prompts, changed.steps_done, changed.changed_at) == (
        "Step 4.",
        12,
        4,
        2.0,
    )
    assert training.get(1) == changed


def test_a_run_begins_when_the_one_before_is_over(database: Database, training: Training) -> None:
    begun(database)
    with pytest.raises(InvariantViolation, match="run 1 is not over"):
        begun(database)
    training.change(1, RunState.FAILED, "It broke down.")
    assert training.current() is None
    assert begun(database).number == 2
    assert [run.number for run in training.recent(9)] == [2, 1]


def test_a_run_begins_in_the_current_generation(database: Database, skills: Skills) -> None:
    skills.commit_generation(Cause.USER, [skill("a")])
    with pytest.raises(GenerationMoved, match="generation 1, not 0"):
        begun(database, 0)
    assert begun(database, 1).skill_generation == 1


def test_a_run_goes_on_from_an_adapter_that_is_there(database: Database) -> None:
    with pytest.raises(InvariantViolation, match="from an adapter that is there"):
        begun(database, parent=1)
    Adapters(database).add("tiny", "aa", 0)
    assert begun(database, parent=1).parent == 1


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize("to", [*LIVE, *OVER])
def test_a_run_goes_forward_only(
    database: Database, training: Training, state: RunState, to: RunState
) -> None:
    Adapters(database).add("tiny", "aa", 0)
    number = brought_to(training, database, state)
    adapter = 1 if to is RunState.DONE else None
    if to is state or to in ALLOWED[state]:
        assert training.change(number, to, "", adapter=adapter).state is to
    else:
        with pytest.raises(InvariantViolation, match="collects, trains, gates"):
            training.change(number, to, "", adapter=adapter)
        assert training.get(number).state is state


def test_a_run_that_has_trained_does_not_collect_again(database: Database, training: Training) -> None:
    number = brought_to(training, database, RunState.TRAINING)
    training.change(number, RunState.PAUSED, "", steps_done=1)
    with pytest.raises(InvariantViolation, match="collects, trains, gates"):
        training.change(number, RunState.COLLECTING, "")


def test_a_run_is_done_with_its_adapter(database: Database, training: Training) -> None:
    number = brought_to(training, database, RunState.GATING)
    with pytest.raises(InvariantViolation, match="collects, trains, gates"):
        training.change(number, RunState.DONE, "")
    with pytest.raises(InvariantViolation, match="recorded first"):
        training.change(number, RunState.GATING, "", adapter=1)
    for sha256 in "ab":
        Adapters(database).add("tiny", sha256, 0)
    training.change(number, RunState.GATING, "", adapter=1)
    with pytest.raises(InvariantViolation, match="one adapter"):
        training.change(number, RunState.GATING, "", adapter=2)
    assert training.change(number, RunState.DONE, "It was promoted.").adapter == 1


@pytest.mark.parametrize("over", OVER)
def test_over_is_for_ever(database: Database, training: Training, attack: Attack, over: RunState) -> None:
    Adapters(database).add("tiny", "aa", 0)
    number = brought_to(training, database, RunState.GATING)
    ended = training.change(number, over, "The end.", adapter=1)
    for state in (*LIVE, *OVER):
        with pytest.raises(InvariantViolation, match="over never changes"):
            training.change(number, state, "")
        attack(f"UPDATE training_runs SET state = '{state.value}'")
    attack("UPDATE training_runs SET reason = 'x'")
    with pytest.raises(InvariantViolation, match="not over"):
        training.report(number, StepReport(0, 0.0, 0.0))
    assert training.get(number) == ended


def test_more_steps_than_there_are_cannot_be_done(database: Database, training: Training) -> None:
    begun(database, steps=3)
    with pytest.raises(InvariantViolation):
        training.change(1, RunState.COLLECTING, "", steps_done=4)


RUN = (
    "training_runs (number, skill_generation, base, base_sha256, seed, steps, state, reason, created_at, changed_at,"
    " steps_done, prompts, parent, adapter) VALUES"
)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM training_runs",
        "UPDATE training_runs SET number = 9",
        "UPDATE training_runs SET skill_generation = 1",
        "UPDATE OR REPLACE training_runs SET seed = 9, steps = 9, base = 'x'",
        "UPDATE training_runs SET parent = 1",
        "UPDATE training_runs SET state = 'promoted'",
        f"INSERT OR REPLACE INTO {RUN} (1, 0, '', '', 0, 1, 'collecting', '', 0, 0, 0, 0, NULL, NULL)",
        f"INSERT INTO {RUN} (2, 0, '', '', 0, 1, 'collecting', '', 0, 0, 0, 0, NULL, NULL)",
        f"INSERT INTO {RUN} (2, 0, '', '', 0, 1, 'done', '', 0, 0, 0, 0, NULL, NULL)",
        f"INSERT INTO {RUN} (9, 0, '', '', 0, 1, 'collecting', '', 0, 0, 0, 0, NULL, NULL)",
        f"INSERT INTO {RUN} (NULL, 0, '', '', 0, 1, 'collecting', '', 0, 0, 0, 0, NULL, NULL)",
        "DELETE FROM training_steps",
        "UPDATE training_steps SET step = 5",
        "UPDATE training_steps SET run = 2",
        "INSERT INTO training_steps VALUES (7, 0, '{}')",
        "INSERT INTO training_steps VALUES (1, -1, '{}')",
    ],
)
def test_runs_are_numbered_and_stay(
    database: Database, training: Training, attack: Attack, statement: str
) -> None:
    begun(database)
    training.report(1, StepReport(0, 0.5, 0.1))
    before = dump(database, "training_runs", "training_steps")
    attack(statement)
    assert dump(database, "training_runs", "training_steps") == before


# Reports


def test_a_report_comes_back_as_it_was(database: Database, training: Training) -> None:
    begun(database)
    full = StepReport(
        1, 0.5, -0.25, kl=0.01, entropy=1.5, grad_norm=2.0, groups=8, equal_groups=3, unscored=1
    )
    training.report(1, full)
    training.report(1, StepReport(0, 0.5, float("inf")))
    assert training.reports(1) == (StepReport(0, 0.5, float("inf")), full)
    assert training.reports(1, after=0) == (full,)


def test_a_step_that_was_done_again_replaces_its_report(database: Database, training: Training) -> None:
    begun(database)
    training.report(1, StepReport(0, 0.5, 0.1))
    training.report(1, StepReport(1, 0.5, 0.1))
    training.report(1, StepReport(1, 0.7, 0.2))
    assert [report.reward for report in training.reports(1)] == [0.5, 0.7]


def test_what_is_not_there_is_named(training: Training) -> None:
    with pytest.raises(NotFound, match="run 3"):
        training.get(3)
    with pytest.raises(NotFound, match="run 3"):
        training.change(3, RunState.TRAINING, "")
    assert training.current() is None
    assert training.reports(3) == ()


def test_a_killed_beginning_leaves_a_whole_run_or_none(tmp_path: Path) -> None:
    home = open_home(tmp_path / "template")
    open_database(home.database).close()
    left = []

    def begin(home: Home, skills: Skills) -> object:
        return begun(skills._database)

    def check(home: Home, skills: Skills) -> None:
        left.append(len(Training(skills._database).recent(9)))
        current = Training(skills._database).current()
        assert (current is not None) == bool(left[-1])
        if current is None:
            assert begun(skills._database).number == 1
        assert skills._database.problems() == ()

    each_write(home, begin, check)
    assert set(left) == {0, 1}
