"""What works here and what does not, each with what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.inspection.extension_check import page, server_extension
from metaclaw_jlab.inspection.finding import Finding, Level, fail, failed, ok, warn
from metaclaw_jlab.inspection.gpu_check import gpu
from metaclaw_jlab.inspection.judge import judge
from metaclaw_jlab.inspection.lines import counted
from metaclaw_jlab.inspection.machine import home_folder, installed_extras, python_version
from metaclaw_jlab.inspection.policy_check import policy
from metaclaw_jlab.inspection.protection_check import isolation_command, protections, sandbox
from metaclaw_jlab.inspection.signal_check import calendar, signals
from metaclaw_jlab.inspection.streaming_check import FIRST_SECONDS, streaming
from metaclaw_jlab.inspection.training_check import adapters_whole, training_possible
from metaclaw_jlab.inspection.version_check import versions
from metaclaw_jlab.settings.secrets import keyring_name

ENDPOINT_SECONDS = 5.0
_MARKS = {Level.OK: "ok  ", Level.WARN: "warn", Level.FAIL: "FAIL"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found; `healthy`: nothing failed; `startable`: a local policy shall answer and does not run."""

    findings: tuple[Finding, ...]
    healthy: bool
    startable: bool = False


def diagnose(
    workspace: Workspace,
    *,
    on_progress: Callable[[str], None] | None = None,
    endpoint_seconds: float = ENDPOINT_SECONDS,
    start: bool = False,
) -> tuple[Finding, ...]:
    """Look at everything that a task needs. `on_progress` gets the name of each part before it is looked at.

    An endpoint is asked for one short completion. Nothing is changed, but for what opening the database does; `start`
    starts the local policy, as a task would. An error of ours becomes a finding.
    """
    answered: list[Finding] = []

    def look_at_policy() -> Finding:
        answered.append(policy(workspace, endpoint_seconds, start=start))
        return answered[0]

    def look_at_streaming() -> Finding:
        if not answered or answered[0].level is Level.FAIL:
            return ok("streaming", "Not tried, since the policy does not answer.")
        return streaming(workspace, seconds=max(FIRST_SECONDS, endpoint_seconds))

    parts: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("python", python_version),
        ("extras", installed_extras),
        ("versions", lambda: versions(workspace)),
        ("server extension", lambda: server_extension(workspace)),
        ("page", page),
        ("home folder", lambda: home_folder(workspace.home.path)),
        ("database", lambda: _database(workspace)),
        ("skills", lambda: _skills(workspace)),
        ("configuration", lambda: _configuration(workspace)),
        ("keyring", _keyring),
        ("sandbox", lambda: sandbox(workspace)),
        ("protections", lambda: protections(workspace)),
        ("learning", lambda: _learning(workspace)),
        ("policy", look_at_policy),
        ("streaming", look_at_streaming),
        ("gpu", lambda: gpu(workspace)),
        ("training", lambda: training_possible(workspace)),
        ("judge", lambda: judge(workspace)),
        ("adapters", lambda: adapters_whole(workspace)),
        ("signals", lambda: signals(workspace)),
        ("calendar", lambda: calendar(workspace)),
    )
    return _examine(parts, on_progress)


def diagnose_without_home(error: MetaclawError) -> tuple[Finding, ...]:
    """What can be said where the home folder itself cannot be opened, for the reason `error`."""
    parts: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("python", python_version),
        ("extras", installed_extras),
        ("home folder", lambda: failed("home folder", error)),
        ("keyring", _keyring),
    )
    return _examine(parts, None)


def startable(workspace: Workspace) -> bool:
    """Whether a local policy is to answer that does not run now."""
    from metaclaw_jlab.runtime import policy_server

    try:
        return not workspace.settings().policy.base_url and policy_server.process(workspace.home) is None
    except MetaclawError:
        return False


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether nothing failed; warnings are no failure."""
    return all(finding.level is not Level.FAIL for finding in findings)


def render_findings(findings: Sequence[Finding]) -> str:
    """Findings as plain text, and a last line that counts them."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.level]}  {finding.name:<{width}}  {finding.sentence}")
        if finding.next_step:
            lines.append(f"{'':<{width + 6}}  → {finding.next_step}")
        if finding.command and finding.command not in finding.next_step:
            lines.append(f"{'':<{width + 6}}    {finding.command}")
    return "\n".join([*lines, "", summary(findings)])


def summary(findings: Sequence[Finding]) -> str:
    """How many failures and warnings there are."""
    bad = sum(finding.level is Level.FAIL for finding in findings)
    warned = sum(finding.level is Level.WARN for finding in findings)
    return f"{counted(bad, 'failure')}, {counted(warned, 'warning')}." if bad or warned else "All is well."


def _examine(
    parts: Sequence[tuple[str, Callable[[], Finding]]], on_progress: Callable[[str], None] | None
) -> tuple[Finding, ...]:
    findings: list[Finding] = []
    told: dict[str, str] = {}
    for name, look in parts:
        if on_progress is not None:
            on_progress(name)
        try:
            findings.append(look())
        except MetaclawError as error:
            first = told.setdefault(str(error), name)
            findings.append(
                failed(name, error)
                if first == name
                else warn(name, f"Not looked at: see {first}.", f"Mend {first}, and look again.")
            )
        except OSError as error:
            findings.append(
                fail(name, f"{error.strerror or error}: {error.filename}.", "Look at that place.")
            )
    return tuple(findings)


def _database(workspace: Workspace) -> Finding:
    name = "database"
    database = workspace.database()
    with database.read() as connection:
        found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(3)")]
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        trajectories = connection.exec_driver_sql("SELECT count(*) FROM trajectories").scalar_one()
    if found != ["ok"]:
        return fail(
            name,
            f"{database.path} is damaged: {found[0]}.",
            f"Keep a copy of it, then save what can be read: sqlite3 {database.path} .recover",
            f"sqlite3 {shlex.quote(str(database.path))} .recover > recovered.sql",
        )
    told = f"{database.path.name} is sound (schema {version}, {counted(trajectories, 'trajectory', 'trajectories')})"
    if not database.writable:
        return warn(
            name,
            f"{told}, but cannot be written: nothing is recorded.",
            "Make the home folder writable.",
            f"chmod u+rwX -R {shlex.quote(str(database.path.parent))}",
        )
    if database.journal_mode != "wal":
        return warn(
            name,
            f"{told}, but without a write-ahead log (journal mode {database.journal_mode}), so writing is slow.",
            "Keep the home folder on a local disk.",
        )
    return ok(name, f"{told}.")


def _skills(workspace: Workspace) -> Finding:
    name = "skills"
    library = workspace.library()
    told = f"{counted(len(library.skills), 'skill')} in {workspace.home.skills}"
    if not library.problems:
        return ok(name, f"{told}.")
    broken = sum(not problem.loaded for problem in library.problems)
    sentences = " ".join(problem.sentence for problem in library.problems[:3])
    more = len(library.problems) - 3
    told = f"{told}; {counted(broken, 'folder')} left out. {sentences}" if broken else f"{told}. {sentences}"
    return warn(
        name,
        f"{told} And {counted(more, 'problem')} more." if more > 0 else told,
        "Mend the SKILL.md; the others are in use meanwhile.",
    )


def _configuration(workspace: Workspace) -> Finding:
    name = "configuration"
    configuration = workspace.configuration()
    if configuration.notes:
        return warn(name, " ".join(configuration.notes), "Correct or unset what is named.", "metaclaw config")
    changed = [entry.key for entry in configuration.describe() if entry.source != "default"]
    told = f"set: {', '.join(changed)}" if changed else "all defaults"
    return ok(name, f"{_where(configuration.path)} ({told}).")


def _where(path: Path) -> str:
    return f"{path} can be read" if path.exists() else f"there is no {path}"


def _keyring() -> Finding:
    name = "keyring"
    backend = keyring_name()
    if backend is None:
        return warn(
            name,
            "No keyring that encrypts is available; keys come from the environment only.",
            "For an endpoint that wants a key: put it in an environment variable, name it as policy.key_env.",
        )
    return ok(name, f"{backend} keeps keys of endpoints.")


def _learning(workspace: Workspace) -> Finding:
    from metaclaw_jlab.executors import bubblewrap
    from metaclaw_jlab.inspection.status import evolver_in_words

    name = "learning"
    settings = workspace.settings()
    if settings.evolver.kind == "off":
        return warn(
            name,
            "Nothing is learned from failures.",
            "Set evolver.kind to auto.",
            "metaclaw config set evolver.kind auto",
        )
    told = f"Skills are written by: {evolver_in_words(settings)}."
    seconds = workspace.wording_seconds()
    if not seconds:
        return ok(name, f"{told} Their wordings are not tried, since calls may cost money.")
    isolated = settings.sandbox.isolation != "none" and bubblewrap.probe() is not None
    if not isolated and not settings.sandbox.unattended:
        return warn(
            name,
            f"{told} Their wordings are not tried, because nothing isolates code that runs unattended here.",
            "Install the package `bubblewrap`, or accept it: set sandbox.unattended to true.",
            isolation_command(),
        )
    return ok(name, f"{told} Their wordings are tried in a sandbox for at most {seconds:g} s each.")
