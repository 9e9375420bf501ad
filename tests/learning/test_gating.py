"""The gate of a run: which pairs it compares, with whom, and that its verdict is carried out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.errors import AdapterRefused
from metaclaw_jlab.core.estimate import Interval
from metaclaw_jlab.core.gate import Comparison, GateReport, Verdict
from metaclaw_jlab.core.training import RunState, TrainingRun
from metaclaw_jlab.learning import gating
from metaclaw_jlab.learning.adapters import candidate_folder, promote, published_folder, roll_back
from metaclaw_jlab.learning.gating import BASE, BEST, CANDIDATE, GAIN, REGRESSION, SERVING, gate, judged
from metaclaw_jlab.runtime.train_worker import WorkerEvent, WorkerJob
from metaclaw_jlab.runtime.training_folder import TrainingFolder
from metaclaw_jlab.runtime.trials import Attempt, read_plan, suite_file
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.prompts import read_prompts
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.training import Training
from tests.learning.gated import Killed, killed_after, name, trained, work
from tests.learning.homes import Ground
from tests.learning.slow_homes import GATE_TASKS, Script, Slow, gate_prompt, tries
from tests.learning.trained import candidate

ARMS: dict[str, str | None] = {CANDIDATE: "v1", SERVING: None, BASE: None}


@pytest.fixture
def slow(home_ground: Ground) -> Slow:
    return Slow(home_ground)


# ---------------------------------------------------------------- pairs


def attempt(suite: str, arm: str, task: int = 0, well: bool = True, **changes: Any) -> Attempt:
    """One that was scored."""
    made = Attempt(suite, arm, f"t{task}", 0.0, 0, float(well), well, 10)
    return replace(made, **changes)


def compared(attempts: list[Attempt], arms: dict[str, str | None] | None = None) -> dict[str, Comparison]:
    """The comparisons of a verdict by name."""
    return {one.name: one for one in judged(attempts, arms or ARMS, looks=1).comparisons}


def pair(suite: str, reference: str, task: int, mine: bool, theirs: bool, **changes: Any) -> list[Attempt]:
    """Attempts of one task by the candidate and by a reference."""
    return [
        attempt(suite, CANDIDATE, task, mine, **changes),
        attempt(suite, reference, task, theirs, **changes),
    ]


def test_the_gain_is_against_what_serves() -> None:
    found = compared([*pair(GAIN, SERVING, 0, True, False), *pair(GAIN, SERVING, 1, True, True)])
    gain = found["gain"]
    assert (gain.n, gain.candidate, gain.reference) == (2, 1.0, 0.5)


def test_a_pair_of_which_one_was_not_scored_is_none() -> None:
    lost = attempt(GAIN, SERVING, 1, score=None, strict=False)
    found = compared([*pair(GAIN, SERVING, 0, True, False), attempt(GAIN, CANDIDATE, 1), lost])
    assert found["gain"].n == 1


def test_a_task_that_is_right_in_part_has_not_passed() -> None:
    attempts = [
        attempt(GAIN, CANDIDATE, 0, False, score=0.4),
        attempt(GAIN, SERVING, 0, False, score=0.1),
    ]
    assert compared(attempts)["gain"].candidate == 0.0


def test_each_temperature_of_the_regression_set_is_compared_by_itself() -> None:
    attempts = [
        *pair(REGRESSION, BASE, 0, True, True),
        *pair(REGRESSION, BASE, 0, False, True, temperature=0.7),
    ]
    found = compared(attempts)
    assert found["regression/base/T=0"].candidate == 1.0
    assert found["regression/base/T=0.7"].candidate == 0.0


def test_the_best_adapter_so_far_is_compared_too_where_there_is_one() -> None:
    attempts = [
        *pair(REGRESSION, BASE, 0, True, True),
        attempt(REGRESSION, BEST, 0, False),
    ]
    assert "regression/best/T=0" not in compared(attempts)
    assert compared(attempts, {**ARMS, BEST: "v0"})["regression/best/T=0"].reference == 0.0


def test_lengths_and_divergence_are_the_candidates() -> None:
    attempts = [
        attempt(REGRESSION, CANDIDATE, 0, tokens=40, kl=0.5),
        attempt(REGRESSION, BASE, 0, tokens=20),
        attempt(GAIN, SERVING, 0, kl=9.0),
    ]
    found = compared(attempts)
    assert (found["length"].candidate, found["length"].reference) == (40, 20)
    assert found["kl"].candidate == 0.5


def test_one_attempted_again_at_another_seed_counts_with_its_task() -> None:
    attempts = [*pair(GAIN, SERVING, 0, True, False), *pair(GAIN, SERVING, 0, False, False, repeat=1)]
    gain = compared(attempts)["gain"]
    assert (gain.n, gain.candidate) == (1, 0.5)


# ---------------------------------------------------------------- a gate in a home


def promoted(slow: Slow, regression: float = 0.5, base_sha256: str = "b" * 64) -> int:
    """An adapter that a gate let serve, whose own gate saw it do so well on the regression set."""
    home, database = slow.ground.home, slow.ground.database
    made = candidate(home, database)
    name(slow, made.version, base_sha256)
    seen = Comparison("regression/base/T=0", 9, regression, 0.5, Interval(0, 0, 0), True, "So.")
    Gates(database).record(made.version, GateReport(Verdict.PROMOTE, "It is better.", (seen,), 1))
    promote(home, database, made.version, "It is better.")
    return made.version


def decided(slow: Slow, script: Script, **changes: Any) -> TrainingRun:
    """A run's gate, whose worker does as the script says."""
    run, folder = trained(slow)
    return gate(slow.gating(**changes), run, folder, work(folder, script))


@pytest.mark.parametrize(
    ("script", "state", "status", "serves"),
    [
        (tries(), Verdict.PROMOTE, AdapterStatus.PROMOTED, 1),
        (tries(candidate=False, others=True), Verdict.REJECT, AdapterStatus.REJECTED, None),
        (tries(regression=False), Verdict.REJECT, AdapterStatus.REJECTED, None),
        (tries(kl=3.0), Verdict.REJECT, AdapterStatus.REJECTED, None),
    ],
)
def test_a_verdict_is_recorded_and_carried_out(
    slow: Slow, script: Script, state: Verdict, status: AdapterStatus, serves: int | None
) -> None:
    done = decided(slow, script)
    database = slow.ground.database
    assert done.state is RunState.DONE
    assert [one.verdict for one in Gates(database).of(1)] == [state]
    assert Adapters(database).get(1).status is status
    assert Serving(database).current() == serves


def test_too_few_tasks_leave_it_a_candidate_with_the_reason(slow: Slow) -> None:
    done = decided(slow, tries(), fresh=lambda _: ())
    kept = Adapters(slow.ground.database).get(1)
    assert kept.status is AdapterStatus.CANDIDATE
    assert "50 more tasks" in kept.reason
    assert kept.reason in done.reason


def test_held_out_tasks_are_attempted_beside_fresh_ones(slow: Slow) -> None:
    held_out = slow.works("a")
    slow.works("b")
    slow.ground.trajectories.admit(held_out, held_out_share=1.0)
    seen: list[str] = []

    def look(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        seen.extend(one.id for one in read_prompts(suite_file(folder, GAIN)))
        yield from tries()(folder)

    decided(slow, look)
    assert seen == [held_out, *(f"fresh-1-{number}" for number in range(GATE_TASKS))]


def test_a_task_without_checks_is_not_attempted(slow: Slow) -> None:
    known = gate_prompt(0)
    unchecked = replace(known, id="unchecked", task=replace(known.task, checks=()))
    seen: list[str] = []

    def look(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        seen.extend(one.id for one in read_prompts(suite_file(folder, GAIN)))
        yield from tries()(folder)

    decided(slow, look, fresh=lambda _: [known, unchecked])
    assert seen == ["gate-0"]


def test_a_serving_temperature_of_nothing_is_asked_for_once(slow: Slow) -> None:
    asked: list[tuple[float, ...]] = []

    def look(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        asked.extend(suite.temperatures for suite in read_plan(folder).suites)
        yield from tries()(folder)

    decided(slow, look, temperature=0.0)
    assert asked == [(0.0,), (0.0,)]


def arms_of(slow: Slow, base_sha256: str = "b" * 64) -> dict[str, str | None]:
    """The arms that a gate asks for."""
    run, folder = trained(slow, base_sha256)
    found: dict[str, str | None] = {}

    def look(_: WorkerJob) -> None:
        found.update(read_plan(folder).arms)
        raise Killed

    with pytest.raises(Killed):
        gate(slow.gating(), run, folder, look)
    return found


def test_before_any_promotion_the_base_is_what_serves_and_there_is_no_best(slow: Slow) -> None:
    assert arms_of(slow) == {
        CANDIDATE: str(candidate_folder(slow.ground.home, 1)),
        SERVING: None,
        BASE: None,
    }


def test_the_best_ever_promoted_is_chosen_by_its_own_gate(slow: Slow) -> None:
    first, second, third = (promoted(slow, well) for well in (0.6, 0.9, 0.7))
    arms = arms_of(slow)
    assert first < second < third
    assert arms[SERVING] == str(published_folder(slow.ground.home, third))
    assert arms[BEST] == str(published_folder(slow.ground.home, second))


def test_a_promoted_adapter_that_was_rolled_back_may_be_the_best_still(slow: Slow) -> None:
    first = promoted(slow)
    roll_back(slow.ground.home, slow.ground.database, None, "Not wanted.")
    arms = arms_of(slow)
    assert arms[SERVING] is None
    assert arms[BEST] == str(published_folder(slow.ground.home, first))


def test_an_adapter_of_another_base_is_not_compared_with(slow: Slow) -> None:
    promoted(slow, base_sha256="c" * 64)
    arms = arms_of(slow)
    assert arms[SERVING] is None
    assert BEST not in arms


def test_a_candidate_whose_files_are_gone_is_told(slow: Slow) -> None:
    run, folder = trained(slow)
    place = candidate_folder(slow.ground.home, 1)
    place.rename(place.with_name("elsewhere"))
    with pytest.raises(AdapterRefused, match="gone"):
        gate(slow.gating(), run, folder, work(folder, tries()))


# ---------------------------------------------------------------- interruptions


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Gates, "record"), (gating, "promote"), (Adapters, "decide"), (Serving, "put"), (Training, "change")],
)
def test_a_gate_that_was_killed_is_finished_by_the_next_call(
    slow: Slow, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    run, folder = trained(slow)
    killed_after(monkeypatch, owner, name)
    with pytest.raises(Killed):
        gate(slow.gating(), run, folder, work(folder, tries()))

    def never(_: WorkerJob) -> None:
        raise AssertionError("Nothing is attempted again.")

    database = slow.ground.database
    if not Training(database).get(run.number).state.over:
        gate(slow.gating(), run, folder, never)
    assert Training(database).get(run.number).state is RunState.DONE
    assert len(Gates(database).of(1)) == 1
    assert [one.version for one in Serving(database).history(9)] == [1]


def test_what_was_attempted_before_an_interruption_is_not_asked_for_again(slow: Slow) -> None:
    run, folder = trained(slow)
    plans = []

    def interrupted(_: WorkerJob) -> None:
        plans.append((folder.trials / "plan.json").stat().st_ino)
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            gate(slow.gating(), run, folder, interrupted)
    assert plans[0] == plans[1]


def test_another_adapter_that_serves_meanwhile_is_what_the_candidate_is_compared_with(slow: Slow) -> None:
    before = promoted(slow)
    run, folder = trained(slow)

    def interrupted(_: WorkerJob) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gate(slow.gating(), run, folder, interrupted)
    assert read_plan(folder).arms[SERVING] == str(published_folder(slow.ground.home, before))
    roll_back(slow.ground.home, slow.ground.database, None, "Not wanted.")
    with pytest.raises(KeyboardInterrupt):
        gate(slow.gating(), run, folder, interrupted)
    assert read_plan(folder).arms[SERVING] is None


def test_looks_are_counted_from_the_last_promotion(slow: Slow) -> None:
    for _ in range(2):
        decided(slow, tries(), fresh=lambda _: ())
    decided(slow, tries())
    decided(slow, tries(), fresh=lambda _: ())
    looks = [Gates(slow.ground.database).of(version)[0].look for version in (1, 2, 3, 4)]
    assert looks == [1, 2, 3, 1]


def test_nothing_is_left_of_what_was_attempted(slow: Slow) -> None:
    decided(slow, tries())
    assert not slow.folder().trials.exists()
