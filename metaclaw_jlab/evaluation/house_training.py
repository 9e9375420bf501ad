"""The slow loop of a house: its training, what the gate said of it, and what serves afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.agent.graded_sandbox import asked
from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.assembly import uses_embedded_policy
from metaclaw_jlab.core.errors import NothingToTrain
from metaclaw_jlab.core.gate import Comparison, GateReport
from metaclaw_jlab.core.training import PromptKind, RunState, StepReport, TrainingPrompt, TrainingRun
from metaclaw_jlab.evaluation.house_run import HouseRun, bar, practice_replayer
from metaclaw_jlab.learning.inner_loop import evolve_once
from metaclaw_jlab.practice import validation_tasks
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.training import Training

if TYPE_CHECKING:
    from metaclaw_jlab.learning.outer_loop import Progress

GATE_TASKS = 400  # fresh validation tasks of each gate: a gain of 0.10 is found with them four times of five
LOCAL_GATE_TASKS = (
    160  # of a real model, whose attempts take a hundred times as long: for one task in five otherwise
)
_SEEDS = 2**31
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Trained:
    """A training that is over, its reports, the gate's where there was one, and the version that serves since (None:
    the base alone)."""

    run: TrainingRun
    steps: tuple[StepReport, ...]
    gate: GateReport | None
    served: int | None


def train_house(run: HouseRun) -> Trained | None:
    """One training of the house's home, and its gate; None where an endpoint answers or nothing can be trained on.

    Raises TrainingError, LeaseHeld, and KeyboardInterrupt where it was stopped, which leaves a run to be resumed.
    """
    if run.workspace.settings().policy.base_url is not None:
        run.say(
            "An endpoint answers, whose weights are not trained here: the arms with an adapter are left out."
        )
        return None
    from metaclaw_jlab.learning.outer_loop import train_once

    with _Shown(run.say) as shown:
        loop = run.workspace.outer_loop(
            on_progress=shown.show,
            gate_prompts=lambda seed: gate_prompts(run, seed, gate_tasks(run)),
            settle=_settling(run),
            on_attempted=lambda pairs: run.stream.attempted_again(pairs),
        )
        try:
            done = train_once(loop, seed=run.plan.seed)
        except NothingToTrain as error:
            run.say(f"{error} The arms with an adapter are left out.")
            return None
    if not done.state.over:
        raise KeyboardInterrupt
    database = run.workspace.database()
    gates = () if done.adapter is None else Gates(database).of(done.adapter)
    steps = Training(database).reports(done.number)
    return Trained(done, steps, gates[-1] if gates else None, Serving(database).current())


def gate_tasks(run: HouseRun) -> int:
    """How many fresh tasks a gate of this house has."""
    settings = run.workspace.settings()
    return settings.training.gate_tasks or (
        GATE_TASKS if uses_embedded_policy(settings) else LOCAL_GATE_TASKS
    )


def gate_prompts(run: HouseRun, seed: int, n: int = GATE_TASKS) -> tuple[TrainingPrompt, ...]:
    """Fresh validation tasks of the house under the skills that its library has for them now."""
    own = Random(f"gate/{run.plan.seed}/{seed}").randrange(_SEEDS)
    library = run.stream.library()
    found = []
    house, prompting = run.stream.household.house, run.conditions.prompting
    tasks = validation_tasks(house, own, n, names=run.plan.names, compound_share=run.plan.compound_share)
    for number, task in enumerate(tasks):
        skills = run.workspace.retrieve(asked(task), library)
        bodies = [match.skill.body for match in skills]
        name = f"gate-{own}-{number:05d}"
        found.append(practice_prompt(task, bodies, name, PromptKind.QUERY, prompting))
    return tuple(found)


def _settling(run: HouseRun) -> Callable[[], bool]:
    """A pass of the fast loop that can try wordings, as it could while the house learnt."""
    replayer = practice_replayer(run)

    def settle() -> bool:
        return not evolve_once(run.workspace.inner_loop(replayer=replayer)).idle

    return settle


class _Shown:
    """A progress bar for each stage of a training."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._stage: RunState | None = None
        self._bar: Any = None

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def show(self, progress: Progress) -> None:
        """Called with every progress of the loop."""
        if progress.sentence:
            self._say(progress.sentence)
        if not progress.of:
            return
        if progress.stage is not self._stage:
            self._close()
            unit = "step" if progress.stage is RunState.TRAINING else "task"
            self._stage, self._bar = progress.stage, bar(progress.stage.value, progress.of, unit)
        self._bar.n, self._bar.total = progress.done, progress.of
        if progress.reward is not None:
            self._bar.set_postfix_str(f"reward {progress.reward:.2f}", refresh=False)
        self._bar.refresh()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._stage = self._bar = None


def training_report(trained: Trained | None) -> dict[str, Any] | None:
    """A training as JSON values; None where there was none."""
    if trained is None:
        return None
    run, gate = trained.run, trained.gate
    return {
        "state": run.state.value,
        "reason": run.reason,
        "seed": run.seed,
        "steps": run.steps_done,
        "adapter": run.adapter,
        "served": trained.served,
        "seconds": round(sum(step.seconds for step in trained.steps), 1),
        "scoring_seconds": round(sum(step.scoring_seconds for step in trained.steps), 1),
        "reward": [round(step.reward, _DIGITS) for step in trained.steps],
        "gate": None if gate is None else _gate(gate),
    }


def render_training(report: Mapping[str, Any] | None) -> list[str]:
    """What was trained and what the gate said, in a line each; nothing where nothing was trained."""
    if report is None:
        return []
    lines = [
        f"trained {report['steps']} steps in {report['seconds']:.0f} s, mean reward {_ends(report['reward'])}: "
        f"{report['state']}. {report['reason']}"
    ]
    if report["gate"] is not None:
        lines.append(f"the gate said {report['gate']['verdict']}: {report['gate']['reason']}")
    served = report["served"]
    lines.append(
        "the base alone serves: full is skills, and adapter is baseline"
        if served is None
        else f"adapter v{served} serves"
    )
    return lines


def _gate(gate: GateReport) -> dict[str, Any]:
    return {
        "verdict": gate.verdict.value,
        "reason": gate.reason,
        "look": gate.look,
        "missing": gate.missing,
        "comparisons": [_comparison(one) for one in gate.comparisons],
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "name": one.name,
        "n": one.n,
        "candidate": round(one.candidate, _DIGITS),
        "reference": round(one.reference, _DIGITS),
        "difference": round(one.difference.estimate, _DIGITS),
        "interval": [round(one.difference.low, _DIGITS), round(one.difference.high, _DIGITS)],
        "passed": one.passed,
    }


def _ends(rewards: Sequence[float]) -> str:
    """The mean of the first and of the last few steps."""
    if not rewards:
        return "-"
    few = max(1, min(5, len(rewards) // 2))
    first, last = (sum(part) / len(part) for part in (rewards[:few], rewards[-few:]))
    return f"{first:.2f} to {last:.2f}"
