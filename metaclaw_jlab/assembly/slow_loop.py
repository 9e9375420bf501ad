"""The slow loop of a home: its policy, its sandboxes, the frozen sets and the worker's plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import TrainingError
from metaclaw_jlab.core.policy import Sampling
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt, TrainingRun

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.config import Settings
    from metaclaw_jlab.core.prompting import Prompting
    from metaclaw_jlab.core.start_state import Rooms
    from metaclaw_jlab.learning.collecting import Collecting
    from metaclaw_jlab.learning.gating import Gating
    from metaclaw_jlab.learning.judging import JudgeUse
    from metaclaw_jlab.learning.outer_loop import OuterLoop, Progress
    from metaclaw_jlab.learning.reattempts import Reattempts
    from metaclaw_jlab.practice.general_tasks import GeneralSet
    from metaclaw_jlab.practice.told_tasks import ToldTask
    from metaclaw_jlab.runtime.home import Home

EMBEDDED_LR, OTHER_LR = 2e-3, 1e-4
MOST_TOKENS = 256  # of a completion in training: the code of a task is much shorter
OTHER_STEPS = 2  # of a task in training and gate: the code, and one that mends it
GENERAL_EVERY = 5  # prompts of a frozen set, of which one is a general task
OTHER_REGRESSION = 120  # tasks of a gate: with one in eight done otherwise, a drop of 0.08 is ruled out
WORKERS = 2
JUDGED_BETA = 0.01

GatePrompts = Callable[[int], Sequence[TrainingPrompt]]


def make_outer_loop(
    workspace: Workspace,
    *,
    on_progress: Callable[[Progress], None],
    gate_prompts: GatePrompts | None = None,
    settle: Callable[[], bool] | None = None,
    on_attempted: Callable[[tuple[tuple[str, str], ...]], None] = lambda _: None,
) -> OuterLoop:
    """The slow loop. `gate_prompts` gives fresh held-out prompts for a gate, by its seed, beside those of the query
    set; `settle` is one pass of the fast loop where another than the home's own is wanted.

    Raises TrainingError where the policy is not one that can be trained here.
    """
    from metaclaw_jlab.learning.outer_loop import OuterLoop

    settings = workspace.settings()
    base = trainable_base(settings)
    return OuterLoop(
        home=workspace.home,
        database=workspace.database(),
        settings=settings.training,
        base=base,
        base_sha256=lambda: _base_sha256(workspace, base),
        plan_of=lambda run, parent, judged: _plan(settings, workspace.prompting(), run, parent, judged),
        sandbox=_sandbox(settings),
        unattended=settings.sandbox.unattended,
        collecting=lambda: _collecting(
            workspace, settings, base, settle or _own_settling(workspace), on_attempted
        ),
        gating=lambda: _gating(workspace, settings, gate_prompts),
        replay=lambda: replay_prompts(_own_prompting(workspace, settings)),
        judging=lambda: _judging(workspace, settings),
        on_progress=on_progress,
    )


def trainable_base(settings: Settings) -> str:
    """The local model that answers. Raises TrainingError where another endpoint does, and for a model that is not
    trained here."""
    from metaclaw_jlab.policies.catalogue import MODELS, find

    if settings.policy.base_url:
        raise TrainingError(
            f"The policy is {settings.policy.base_url}, whose weights are not trained here.",
            "Train a local model: metaclaw config unset policy.base_url, or %metaclaw local MODEL.",
        )
    base = settings.policy.local_model
    known = find(base)
    trained = " or ".join(model.name for model in MODELS if model.trains_from)
    if known is not None and not known.trains_from:
        raise TrainingError(
            f"{known.name} is not trained here; skills help it.", f"To train one, take {trained}."
        )
    if base.lower().endswith(".gguf"):
        raise TrainingError(
            f"{base} is a GGUF file, which answers but is not trained.",
            f"Take the folder of its safetensors, or {trained}.",
        )
    return base


def check_weights(home: Home, base: str) -> None:
    """Raise TrainingError where the form of a model that is trained is not on this machine."""
    from metaclaw_jlab.core.errors import ModelUnusable
    from metaclaw_jlab.engines.local_models import locate

    try:
        locate(base, home)
    except ModelUnusable as error:
        raise TrainingError(error.cause, error.next_step) from error


def replay_prompts(prompting: Prompting | None = None) -> tuple[TrainingPrompt, ...]:
    """The frozen replay set as prompts: of a model that is asked by this `prompting`, with natural names and general
    tasks among them, or of the embedded model where it is None."""
    from metaclaw_jlab.practice.general_tasks import general_tasks
    from metaclaw_jlab.practice.replay_set import replay_set

    if prompting is None:
        return _mixed(replay_set(), "replay", None)
    # A training draws them all alike, so more of them would leave fewer general ones in each step.
    most = (GENERAL_EVERY - 1) * len(general_tasks("replay"))
    return _mixed(replay_set(most, names="natural", most_skills=_skills_of(prompting)), "replay", prompting)


def regression_prompts(
    prompting: Prompting | None = None, most: int | None = None
) -> tuple[TrainingPrompt, ...]:
    """The frozen regression set as prompts, at most so many; for whom, see replay_prompts."""
    from metaclaw_jlab.practice.regression_set import regression_set

    told = (
        regression_set()
        if prompting is None
        else regression_set(names="natural", most_skills=_skills_of(prompting))
    )
    return _mixed(told, "regression", prompting)[:most]


def _mixed(
    told: Sequence[ToldTask], kind: GeneralSet, prompting: Prompting | None
) -> tuple[TrainingPrompt, ...]:
    """Practice tasks, and for a real model every fifth prompt a general one while there are any."""
    from metaclaw_jlab.agent.general_prompts import general_prompt
    from metaclaw_jlab.agent.practice_prompts import practice_prompt
    from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING
    from metaclaw_jlab.practice.general_tasks import general_tasks

    asked = prompting or DEFAULT_PROMPTING
    found = [practice_prompt(one.task, one.bodies, one.task.id, PromptKind.REPLAY, asked) for one in told]
    for number, task in enumerate(general_tasks(kind) if prompting is not None else ()):
        found.insert(GENERAL_EVERY * number, general_prompt(task, asked))
    return tuple(found)


def _skills_of(prompting: Prompting) -> int:
    """Skills of a prompt in the frozen sets: as many as this policy is given elsewhere, but at least one."""
    from metaclaw_jlab.practice.demonstrations import PROMPT_SKILLS

    return PROMPT_SKILLS if prompting.max_skills is None else min(PROMPT_SKILLS, max(1, prompting.max_skills))


def _own_prompting(workspace: Workspace, settings: Settings) -> Prompting | None:
    """How a real model is asked; None for the embedded one, whose sets are frozen as they are."""
    return None if _embedded(settings) else workspace.prompting()


def _base_sha256(workspace: Workspace, base: str) -> str:
    """Of the form that is trained. Raises TrainingError where it is not on this machine."""
    from metaclaw_jlab.core.errors import ModelUnusable
    from metaclaw_jlab.engines.base_identity import identity_of

    try:
        return identity_of(workspace.home, base)
    except ModelUnusable as error:
        raise TrainingError(error.cause, error.next_step) from error


def _plan(
    settings: Settings, prompting: Prompting, run: TrainingRun, parent: Path | None, judged: bool
) -> dict[str, object]:
    wanted, embedded = settings.training, not settings.policy.base_url and _embedded(settings)
    steps = settings.agent.steps
    beta = wanted.beta if wanted.beta is not None else (JUDGED_BETA if judged else 0.0)
    return {
        "run": run.number,
        "model": run.base,
        "seed": run.seed,
        "steps": run.steps,
        "prompts": wanted.prompts,
        "group": wanted.group,
        "lr": wanted.lr or (EMBEDDED_LR if embedded else OTHER_LR),
        "rank": wanted.rank,
        "temperature": wanted.temperature,
        "replay_share": wanted.replay_share,
        "beta": beta,
        "process_weight": wanted.process_weight,
        "micro_batch": wanted.micro_batch,
        "successes_only": wanted.successes_only,
        "max_tokens": min(settings.policy.max_tokens, MOST_TOKENS),
        "max_steps": steps if embedded else min(steps, OTHER_STEPS),
        "report_to": wanted.report_to,
        "parent": str(parent) if parent else None,
        "prompting": prompting.to_dict(),
    }


def _judging(workspace: Workspace, settings: Settings) -> JudgeUse | None:
    """What the configured judge may be used for, None where there is none."""
    from metaclaw_jlab.learning.judging import JudgeUse

    if settings.judge.base_url is None:
        return None
    return JudgeUse(
        database=workspace.database(),
        settings=settings.judge,
        trains=settings.training.judged,
        trains_turns=settings.proxy.train_judged,
        open=workspace.judge,
        secret_names=workspace.secret_names(),
    )


def _embedded(settings: Settings) -> bool:
    from metaclaw_jlab.core.config import EMBEDDED_MODEL

    return settings.policy.local_model == EMBEDDED_MODEL


def _sandbox(settings: Settings) -> dict[str, object]:
    limits = settings.sandbox
    return {
        "isolation": limits.isolation,
        "output_chars": settings.agent.observation_chars,
        "seconds": limits.seconds,
        "memory_mb": limits.memory_mb,
        "working_folder_mb": limits.working_folder_mb,
        "preload": ["pandas", "matplotlib"],
    }


def _own_settling(workspace: Workspace) -> Callable[[], bool]:
    """One pass of the home's fast loop, without trials of wordings: the folders of the tasks are not known here."""

    def settle() -> bool:
        from metaclaw_jlab.learning.inner_loop import evolve_once

        return not evolve_once(workspace.inner_loop(wait_seconds=60.0)).idle

    return settle


def _collecting(
    workspace: Workspace,
    settings: Settings,
    base: str,
    settle: Callable[[], bool],
    on_attempted: Callable[[tuple[tuple[str, str], ...]], None],
) -> Collecting:
    from metaclaw_jlab.learning.collecting import Collecting

    check_weights(workspace.home, base)  # before older tasks are attempted again, which takes minutes
    return Collecting(
        database=workspace.database(),
        held_out_share=settings.training.held_out_share,
        generation=lambda: workspace.synchronised().generation.number,
        settle=settle,
        rooms=lambda: _rooms(workspace, settings),
        reattempts=lambda rooms: _reattempts(workspace, settings, rooms),
        on_attempted=on_attempted,
        admit_more=lambda: _admit_turns(workspace, settings),
    )


def _admit_turns(workspace: Workspace, settings: Settings) -> int:
    from metaclaw_jlab.assembly.turns import admit

    return admit(workspace, settings)


@contextmanager
def _rooms(workspace: Workspace, settings: Settings) -> Iterator[Rooms]:
    """Sandboxes for attempts. Raises TrainingError where nothing isolates them and the user has not accepted that."""
    from metaclaw_jlab.agent.rooms import SandboxRooms

    with workspace.sandbox_pool(WORKERS) as pool:
        rooms = SandboxRooms(pool)
        if not (rooms.isolated() or settings.sandbox.unattended):
            raise TrainingError(
                "Nothing isolates model-written code on this machine, so none runs unattended.",
                "Install bubblewrap, or accept it: metaclaw config set sandbox.unattended true.",
            )
        yield rooms


def _reattempts(workspace: Workspace, settings: Settings, rooms: Rooms) -> Reattempts:
    from metaclaw_jlab.learning.reattempts import Reattempts

    current = workspace.synchronised()
    wanted = settings.policy
    return Reattempts(
        database=workspace.database(),
        policy=workspace.policy(),
        rooms=rooms,
        generation=current.generation.number,
        retrieve=lambda task: workspace.retrieve(task, current.skills),
        sampling=Sampling(wanted.temperature, wanted.max_tokens, extra=wanted.extra),
        max_steps=settings.agent.steps,
        prompting=workspace.prompting(),
    )


def _regression(workspace: Workspace, settings: Settings) -> tuple[TrainingPrompt, ...]:
    most = settings.training.gate_tasks or (None if _embedded(settings) else OTHER_REGRESSION)
    return regression_prompts(_own_prompting(workspace, settings), most)


def _gating(workspace: Workspace, settings: Settings, gate_prompts: GatePrompts | None) -> Gating:
    from metaclaw_jlab.learning.gating import Gating

    return Gating(
        home=workspace.home,
        database=workspace.database(),
        temperature=settings.policy.temperature,
        held_out_share=settings.training.held_out_share,
        regression=lambda: _regression(workspace, settings),
        fresh=gate_prompts or (lambda _: ()),
    )


__all__ = [
    "GatePrompts",
    "check_weights",
    "make_outer_loop",
    "regression_prompts",
    "replay_prompts",
    "trainable_base",
]
