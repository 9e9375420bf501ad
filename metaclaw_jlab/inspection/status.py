"""The state of a home in a few lines: which policy answers, what it knows, what was done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from metaclaw_jlab.assembly import Workspace, policy_name, uses_embedded_policy
from metaclaw_jlab.assembly.evolvers import evolver_kind
from metaclaw_jlab.assembly.namespaces import namespaces
from metaclaw_jlab.core.config import SandboxSettings, Settings
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.inspection.answering import AnsweringModel, answering_model, policy_in_words
from metaclaw_jlab.inspection.lines import counted, one_line, rows, some
from metaclaw_jlab.inspection.training import counts_in_words, training
from metaclaw_jlab.settings.address import is_loopback, origin

if TYPE_CHECKING:
    from metaclaw_jlab.core.schedule import View
    from metaclaw_jlab.inspection.training import TrainingAccount
    from metaclaw_jlab.runtime.policy_server import Endpoint
    from metaclaw_jlab.skills.library import Problem
    from metaclaw_jlab.store.query import QueryCounts
    from metaclaw_jlab.store.trajectories import Counts

LINES = 19
PENDING = 1000
COLUMNS = 110
UNKNOWN = "unknown: the store cannot be read"
_ADAPTER = re.compile(r"@v(\d+)\Z")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_FIRST_SKILL = (
    "Skills come from tasks that fail (--check, %metaclaw bad); or write one as {folder}/<name>/SKILL.md."
)
_FIRST_TASK = "Ask for something: a notebook cell that begins with %%metaclaw."


@dataclass(frozen=True, slots=True)
class Status:
    """What is going on in a home. `trajectories`, `pending` (failures that wait to be learnt from) and `query` are None
    where the store cannot be read; `adapter` is the version that answers, None for the base or an endpoint; `training`
    says in sentences how training stands and what it lacks, `schedule` why it does or does not run by itself; `learn`
    is the notebook's switch where it has one, else the setting; `gpu` says whether an NVIDIA GPU is there; `notes` say
    what is wrong; `answering` is the model that answers, with what it can and cannot do.
    """

    version: str
    policy: str
    practice_only: bool
    server_running: bool
    server: str
    model: str | None
    adapter: int | None
    mode: str
    home: str
    namespaces: tuple[str, ...]
    skills: int
    skill_problems: int
    skill_generation: int | None
    trajectories: Counts | None
    isolation: str
    learn: bool
    pending: int | None
    evolver: str
    query: QueryCounts | None = None
    training: tuple[str, ...] = ()
    schedule: str = ""
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    session: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    gpu: bool = False
    answering: AnsweringModel | None = None


def status(
    workspace: Workspace,
    session: Mapping[str, str] = _NOTHING,
    *,
    notebook: str | None = None,
    view: View | None = None,
    problems: tuple[Problem, ...] | None = None,
) -> Status:
    """The state of a workspace, as seen from a notebook; `session` are rows that the caller adds to the card. The host
    gives what its scheduler knows as `view`. Edits by hand are adopted first, unless the `problems` of the folder are
    given.

    Raises ConfigError.
    """
    from metaclaw_jlab.inspection.gpu_check import gpu_there
    from metaclaw_jlab.runtime.policy_server import running

    configuration = workspace.configuration()
    settings = configuration.settings
    server = running(workspace.home)
    stored, notes = _from_store(workspace, notebook, view, problems)
    library = stored.library or _in_folder(workspace)
    model = settings.policy.model if settings.policy.base_url else settings.policy.local_model
    answering = answering_model(workspace.home, settings, server)
    pinned = _adapter(model)
    return Status(
        version=version(),
        policy=policy_in_words(answering, policy_name(settings)),
        practice_only=uses_embedded_policy(settings),
        server_running=server is not None,
        server=_server_in_words(server, settings, answering),
        model=model,
        adapter=stored.serving if pinned is None and not settings.policy.base_url else pinned,
        mode=settings.agent.mode,
        home=str(workspace.home.path),
        namespaces=namespaces(workspace.home),
        skills=library.size,
        skill_problems=len(library.problems),
        skill_generation=stored.generation,
        trajectories=stored.counts,
        isolation=isolation_in_words(settings.sandbox),
        learn=settings.agent.learn if stored.learn is None else stored.learn,
        pending=stored.pending,
        evolver=evolver_in_words(settings),
        query=stored.query,
        training=stored.training,
        schedule=stored.schedule,
        notes=(
            *filter(None, (answering.problem,)),
            *configuration.notes,
            *notes,
            *(problem.sentence for problem in library.problems),
        ),
        next_steps=_next_steps(workspace, library, stored.counts),
        session=dict(session),
        gpu=gpu_there(),
        answering=answering,
    )


def render_status(status: Status) -> str:
    """The card: at most 19 lines of plain text, and three more about a local model."""
    return "\n".join([status_head(status), *rows(status_rows(status), indent="  ")])


def status_head(status: Status) -> str:
    """What the card is about."""
    return f"MetaClaw {status.version}"


def status_rows(status: Status) -> list[tuple[str, str]]:
    """Label and text of each line of the card; a line without label goes with the one before."""
    problems = f", {counted(status.skill_problems, 'problem')}" if status.skill_problems else ""
    generation = "" if status.skill_generation is None else f" (generation {status.skill_generation})"
    adapter = "" if status.adapter is None else f", adapter v{status.adapter}"
    about = _about_model(status.answering)
    fixed = [
        ("policy", status.policy + adapter),
        *(("", one_line(text, COLUMNS)) for text in about),
        ("server", status.server),
        ("mode", f"{status.mode} ({_MODES.get(status.mode, '')})"),
        ("skills", f"{counted(status.skills, 'skill')}{generation}{problems}"),
        ("tasks", _tasks_in_words(status.trajectories)),
        ("learning", _learning_in_words(status)),
        ("evolver", status.evolver),
        ("query", UNKNOWN if status.query is None else counts_in_words(status.query)),
        *(("" if line else "training", one_line(text, COLUMNS)) for line, text in enumerate(status.training)),
        ("windows", one_line(status.schedule, COLUMNS)),
        ("sandbox", status.isolation),
        ("home", status.home),
        *([("namespaces", some(status.namespaces, 5))] if status.namespaces else []),
    ]
    steps = [("next" if not index else "", text) for index, text in enumerate(status.next_steps)]
    extra = [*status.session.items(), *(("note", one_line(note, COLUMNS)) for note in status.notes)]
    room = LINES - 1 + len(about) - len(fixed) - len(steps)
    if len(extra) > room:
        extra = [*extra[: room - 1], ("note", f"{len(extra) - room + 1} more: see `doctor`")]
    return [*fixed, *extra, *steps]


def version() -> str:
    """The installed version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("metaclaw-jlab")
    except PackageNotFoundError:
        return "(not installed)"


def isolation_in_words(limits: SandboxSettings) -> str:
    """What keeps the agent's code in a sandbox from the rest of the machine."""
    from metaclaw_jlab.executors import bubblewrap

    if limits.isolation == "none":
        return "own processes with limits; bubblewrap is switched off (sandbox.isolation)"
    if bubblewrap.probe() is not None:
        return "bubblewrap: no network, read-only system, your files hidden"
    if limits.isolation == "require":
        return "impossible: sandbox.isolation requires bubblewrap, which does not work here"
    return "own processes with limits; without bubblewrap network and files stay open to them"


def evolver_in_words(settings: Settings) -> str:
    """Who makes skills of failures."""
    wanted, policy = settings.evolver, settings.policy
    url, kind = wanted.base_url or policy.base_url, evolver_kind(settings)
    if kind == "off":
        return "off: no skills are made of failures (evolver.kind)"
    if kind == "distiller":
        return "distiller, on this machine and without a model"
    beside = " and the distiller" if kind == "both" else ""
    if url is None:
        return f"{policy.local_model}{beside} on this machine"
    model = wanted.model or (None if wanted.base_url else policy.model)
    where = "" if is_loopback(url) else "; failures are sent there, without secrets"
    return f"{model or 'the first model'} at {origin(url)}{beside}{where}"


_MODES = {
    "ask": "proposes a cell that you run",
    "auto": "runs its code in your kernel",
    "off": "answers, runs nothing",
}


_LOADED = {"gguf": " on llama.cpp", "safetensors": " in torch"}


def _about_model(model: AnsweringModel | None) -> tuple[str, ...]:
    """What a local model can and cannot do, and where it is from; the others say it in a word."""
    if model is None or model.kind != "local" or not model.abilities:
        return ()
    return model.abilities[0], " ".join(model.abilities[1:]), f"from {model.source}"


def _server_in_words(server: Endpoint | None, settings: Settings, model: AnsweringModel) -> str:
    if server is not None:
        unused = "" if model.running else f"; {model.name} starts with the next task"
        unused = "; not in use" if settings.policy.base_url else unused
        where = _LOADED.get(server.form, "")
        return f"running, serves {server.model}{where} (process {server.pid}){unused}"
    if settings.policy.base_url:
        return "not running, not needed: an endpoint answers"
    return "not running; starts with the first task"


def _adapter(model: str | None) -> int | None:
    found = _ADAPTER.search(model or "")
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class _Library:
    """How many skills there are, and what is wrong in their folder."""

    size: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the store tells; None where it cannot be read."""

    counts: Counts | None = None
    library: _Library | None = None
    generation: int | None = None
    pending: int | None = None
    learn: bool | None = None
    serving: int | None = None
    query: QueryCounts | None = None
    training: tuple[str, ...] = (UNKNOWN,)
    schedule: str = UNKNOWN


def _in_folder(workspace: Workspace) -> _Library:
    """What the folder has, where the store does not tell."""
    found = workspace.library()
    return _Library(len(found.skills), found.problems)


def _from_store(
    workspace: Workspace, notebook: str | None, view: View | None, problems: tuple[Problem, ...] | None
) -> tuple[_Stored, tuple[str, ...]]:
    """What the store tells; one that cannot be read is a note, for the rest still holds."""
    from metaclaw_jlab.inspection.scheduler import schedule
    from metaclaw_jlab.inspection.scheduler_text import schedule_in_words
    from metaclaw_jlab.store.notebooks import Notebooks
    from metaclaw_jlab.store.skills import Skills
    from metaclaw_jlab.store.support import Support

    try:
        database = workspace.database()
        if problems is None:
            problems = workspace.synchronised().problems
        skills, trained = Skills(database), training(workspace, recent=1)
        stored = _Stored(
            counts=workspace.trajectories().counts(),
            library=_Library(skills.size(), problems),
            generation=skills.current_number(),
            pending=len(Support(database).pending(PENDING)),
            learn=Notebooks(database).learn(notebook) if notebook is not None else None,
            serving=trained.serving,
            query=trained.counts,
            training=_training_in_words(trained),
            schedule=schedule_in_words(schedule(workspace, view, recent=0)),
        )
    except MetaclawError as error:
        return _Stored(), (str(error),)
    return stored, ()


def _training_in_words(found: TrainingAccount) -> tuple[str, ...]:
    """How training stands; and where nothing is under way what it lacks first."""
    if found.run is not None or not found.missing:
        return (found.sentence,)
    return (found.sentence, found.missing[0]) if found.recent else (found.missing[0],)


def _learning_in_words(status: Status) -> str:
    told = "on" if status.learn else "off: new tasks teach nothing"
    if not status.pending:
        return told
    waits = "waits" if status.pending == 1 else "wait"
    return f"{told}; {counted(status.pending, 'failure')} {waits} to be learnt from (`evolve`)"


def _tasks_in_words(counts: Counts | None) -> str:
    if counts is None:
        return UNKNOWN
    if not counts.trajectories:
        return "none yet"
    parts = [f"{number:,} {stop.replace('_', ' ')}" for stop, number in counts.stopped.items()]
    parts += [f"{counts.open:,} open"] if counts.open else []
    roles = [
        f"{number:,} {role}" for role, number in counts.roles.items() if number and role is not Role.NEITHER
    ]
    told = f"{counts.trajectories:,}: {', '.join(parts)}"
    return f"{told}; {', '.join(roles)}" if roles else told


def _next_steps(workspace: Workspace, library: _Library, counts: Counts | None) -> tuple[str, ...]:
    steps = []
    if counts is not None and not counts.trajectories:
        steps.append(_FIRST_TASK)
    if not library.size:
        steps.append(_FIRST_SKILL.format(folder=workspace.home.skills))
    return tuple(steps)
