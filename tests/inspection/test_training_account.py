"""What is told of training: runs in a real store, without any training."""

import json
import os

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.inspection.training import (
    TrainingAccount,
    counts_in_words,
    curves_of,
    duration_in_words,
    training,
    verdict_in_words,
)
from metaclaw_jlab.inspection.training_text import render_training
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.runtime.training_process import LEASE
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.store.query import Query, QueryCounts
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.training import Training
from tests.inspection.learning_samples import asked
from tests.learning.trained import begun, finished, step


def query(workspace: Workspace, id: str, **changes: object) -> None:  # noqa: A002
    """A task of the query set, held out or not."""
    workspace.trajectories().record(asked(id, **changes))
    StartStates(workspace.database()).keep(id, StartState(files={"a.csv": id.encode()}))
    assert Query(workspace.database()).admit(id)


def told(workspace: Workspace) -> str:
    return render_training(training(workspace))


def conducted(workspace: Workspace) -> TrainingAccount:
    with lease(workspace.home, LEASE):
        return training(workspace)


def test_a_home_without_training_says_what_is_missing(workspace: Workspace) -> None:
    found = training(workspace)
    assert (found.run, found.recent, found.serving) == (None, (), None)
    assert "Nothing was trained yet." in told(workspace)
    assert "give tasks with --check" in found.missing[0]


def test_a_run_tells_its_step_reward_and_when_it_ends(workspace: Workspace) -> None:
    begun(workspace.database(), steps=10, done=4)
    found = conducted(workspace)
    assert found.run is not None
    assert found.sentence == "Run 1 trains: step 4 of 10, reward +0.40, about 12 s left."
    assert (found.run.pid, found.run.eta_seconds, found.run.step_seconds) == (os.getpid(), 12.0, 2.0)


def test_the_process_is_told_before_there_is_a_run(workspace: Workspace) -> None:
    assert training(workspace).pid is None
    assert conducted(workspace).pid == os.getpid()


def test_the_end_is_expected_by_the_median_of_the_last_steps(workspace: Workspace) -> None:
    run = begun(workspace.database(), steps=10, done=3)
    Training(workspace.database()).report(run.number, step(3, seconds=500.0))
    found = conducted(workspace).run
    assert found is not None
    assert found.eta_seconds == 14.0


def test_a_run_without_its_process_was_cut_off(workspace: Workspace) -> None:
    begun(workspace.database(), steps=10, done=4)
    found = training(workspace)
    assert found.sentence.startswith("Run 1 was cut off at step 4 of 10")
    assert "resume" in found.sentence
    assert found.run is not None
    assert (found.run.pid, found.run.eta_seconds) == (None, None)


def test_a_paused_run_says_how_to_go_on(workspace: Workspace) -> None:
    run = begun(workspace.database(), steps=10, done=4)
    Training(workspace.database()).change(run.number, RunState.PAUSED, "Stopped.")
    assert training(workspace).sentence == "Run 1 is paused at step 4 of 10; `train resume` goes on."


def test_a_training_that_collects_has_no_number_yet(workspace: Workspace) -> None:
    assert f"process {os.getpid()}" in conducted(workspace).sentence


def test_every_number_of_a_run_is_told(workspace: Workspace) -> None:
    begun(workspace.database(), steps=10, done=4)
    text = told(workspace)
    for part in (
        "+0.10 ▁▃▆█ +0.40",
        "8 of 32 groups",
        "4 unscored",
        "4 not brought",
        "900 tokens/s",
    ):
        assert part in text
    for label in ("loss", "KL to base", "entropy", "length"):
        assert label in text


def test_what_was_not_computed_is_not_told(workspace: Workspace) -> None:
    run = begun(workspace.database(), steps=2)
    training_store = Training(workspace.database())
    training_store.report(run.number, step(1, kl=None, entropy=None))  # type: ignore[arg-type]
    text = told(workspace)
    assert "KL to base" not in text
    assert "entropy" not in text


def test_a_loss_that_is_no_number_is_told_and_is_null_in_json(workspace: Workspace) -> None:
    run = begun(workspace.database(), steps=9, done=2)
    Training(workspace.database()).report(run.number, step(3, loss=float("nan")))
    assert "nan" in told(workspace)
    listed = json.loads(json.dumps(as_json(training(workspace)), allow_nan=False))["run"]["curves"]["loss"]
    assert listed == [0.5, 0.5, None]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.PROMOTE, "Adapter v1 was promoted. The reason to promote."),
        (Verdict.REJECT, "Adapter v1 was rejected; what served before serves on."),
        (Verdict.INSUFFICIENT, "There is not enough evidence for adapter v1"),
    ],
)
def test_every_verdict_has_a_sentence(workspace: Workspace, verdict: Verdict, said: str) -> None:
    finished(workspace.home, workspace.database(), verdict)
    (run,) = training(workspace).recent
    assert verdict_in_words(run).startswith(said)


def test_the_gates_comparisons_stand_side_by_side(workspace: Workspace) -> None:
    finished(workspace.home, workspace.database(), Verdict.REJECT)
    lines = told(workspace).splitlines()
    assert any(line.startswith("Gate of v1: reject (look 1)") for line in lines)
    (gain,) = [line for line in lines if " gain " in line]
    assert gain.split()[:5] == ["NO", "gain", "120", "0.750", "0.600"]
    assert "+0.150 [+0.050, +0.250]" in gain


def test_runs_that_are_over_are_listed_the_newest_first(workspace: Workspace) -> None:
    for _ in range(3):
        finished(workspace.home, workspace.database())
    assert [run.number for run in training(workspace).recent] == [3, 2, 1]
    assert [run.number for run in training(workspace, recent=1).recent] == [3]


def test_a_failed_run_says_why(workspace: Workspace) -> None:
    run = begun(workspace.database())
    Training(workspace.database()).change(run.number, RunState.FAILED, "The loss was no number.")
    assert training(workspace).sentence == "Run 1 failed before its first step. The loss was no number."


def test_the_query_set_is_counted(workspace: Workspace) -> None:
    query(workspace, "a")
    workspace.trajectories().record(asked("b"))
    counts = training(workspace).counts
    assert counts.waiting + counts.held_out == 1
    assert counts.without_start == 1


def test_a_generation_that_advances_outdates_what_waits(workspace: Workspace) -> None:
    query(workspace, "a")
    write_skill(workspace.home.skills, Skill("a", "Use for a.", "Do a."))
    workspace.synchronised()
    found = training(workspace)
    assert (found.counts.waiting + found.counts.held_out, found.counts.outdated) == (0, 1)
    assert "attempts older tasks again" in found.missing[0]


def test_counts_that_are_nothing_are_left_out() -> None:
    assert (
        counts_in_words(QueryCounts(1, 0, 0, 0, 0)) == "1 task waits to be trained on, 0 held out for gates"
    )
    whole = counts_in_words(QueryCounts(12, 4, 20, 3, 5))
    assert whole == (
        "12 tasks wait to be trained on, 4 held out for gates, 20 taken by trainings, "
        "3 outdated by a newer skill generation, 5 whose start was not kept"
    )


@pytest.mark.parametrize("leave", [None, "false"])
def test_starts_that_are_not_kept_are_the_reason(workspace: Workspace, leave: str | None) -> None:
    workspace.trajectories().record(asked("b"))
    if leave is not None:
        set_value(workspace.home.config, "training.keep_starts", leave)
    assert "%metaclaw learn starts on" in training(workspace).missing[0]


def test_a_training_under_way_has_taken_what_waited(workspace: Workspace) -> None:
    run = begun(workspace.database())
    assert not [sentence for sentence in training(workspace).missing if "waits" in sentence]
    Training(workspace.database()).change(run.number, RunState.ABANDONED, "Given up.")
    assert [sentence for sentence in training(workspace).missing if "waits" in sentence]


def test_where_an_endpoint_answers_that_is_all_that_is_missing(workspace: Workspace) -> None:
    set_value(workspace.home.config, "policy.base_url", "http://localhost:9/v1")
    (sentence,) = training(workspace).missing
    assert "localhost:9" in sentence


def test_what_the_last_gate_lacked_is_told(workspace: Workspace) -> None:
    from metaclaw_jlab.store.gates import Gates
    from tests.learning.trained import candidate, verdict

    run = begun(workspace.database())
    made = candidate(workspace.home, workspace.database())
    store = Training(workspace.database())
    store.change(run.number, RunState.GATING, "", adapter=made.version)
    Gates(workspace.database()).record(made.version, verdict(Verdict.INSUFFICIENT, missing=30))
    store.change(run.number, RunState.DONE, "Not enough evidence.")
    found = training(workspace)
    assert "The last gate lacked 30 held-out tasks; about one task in 5 is held out." in found.missing
    assert "30 held-out tasks missing" in verdict_in_words(found.recent[0])


def test_curves_are_columns_in_order() -> None:
    found = curves_of([step(1), step(2)])
    assert (found.step, found.loss) == ((1, 2), (0.5, 0.5))
    assert found.reward == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (120, "2 min"), (7200, "2.0 h")])
def test_durations_are_said_roughly(seconds: float, words: str) -> None:
    assert duration_in_words(seconds) == words
