"""File checks: a shell line in a sandbox that holds a copy of the workspace, and the checkers beside it.

The copy and the checkers live as long as one check; the workspace that the agent sees never holds them. A file that the
agent left in the checkers' folder gives way to them, and a module of the agent's cannot stand in for one of the
standard library's in the checkers' eyes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from metaclaw_jlab.core.errors import ExecutorError, WorkingFolderTooLarge
from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.evaluation.metaclaw_bench.format import CHECK_SECONDS, FileCheck
from metaclaw_jlab.evaluation.metaclaw_bench.loader import CHECKERS
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import CheckOutcome
from metaclaw_jlab.executors.folder import read_folder
from metaclaw_jlab.executors.sandbox import Isolation, SandboxPool

_MARGIN_SECONDS = 15.0  # of the sandbox over the check, so that it is the check that runs out of time
_OUTPUT_CHARS = 2000
_ENDED = ("ProcessEnded", "TimeoutError")  # of the sandbox itself
_CHECK = """
import json, os, re, signal, subprocess, sys
asked = json.loads({asked!r})
home = os.environ["HOME"]
os.makedirs(home + "/bin", exist_ok=True)
for name in ("python", "python3"):
    with open(home + "/bin/" + name, "w") as script:
        script.write('#!/bin/sh\\nexec "' + sys.executable + '" "$@"\\n')
    os.chmod(home + "/bin/" + name, 0o755)
for path, mode, seconds in asked["files"]:
    os.chmod(path, mode)
    os.utime(path, (seconds, seconds))
environment = dict(os.environ, **asked["environment"])
environment["PATH"] = home + "/bin" + os.pathsep + environment.get("PATH", os.defpath)
with open(home + "/out", "w+b") as out, open(home + "/err", "w+b") as err:
    check = subprocess.Popen(asked["command"], shell=True, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                             start_new_session=True, env=environment)
    try:
        code = check.wait(asked["seconds"])
    except subprocess.TimeoutExpired:
        code = None
        os.killpg(check.pid, signal.SIGKILL)
        check.wait()
    out.seek(0)
    err.seek(0)
    said, trouble = (stream.read(1 << 24).decode(errors="replace") for stream in (out, err))
passed = code == asked["expect_exit"]
if passed and asked["stdout"] is not None:
    passed = bool(re.search(asked["stdout"], said)) if asked["pattern"] else asked["stdout"] in said
print(json.dumps(dict(passed=passed, exit_code=code, output=(said + trouble)[-{chars}:])))
"""


@dataclass(frozen=True, slots=True)
class Scorer:
    """What file checks need: sandboxes and the checkers by path."""

    pool: SandboxPool
    checkers: Mapping[str, bytes]


def scoring_pool(
    workers: int = 1, *, isolation: Isolation = "auto", hidden: Iterable[Path] = ()
) -> SandboxPool:
    """A pool of sandboxes whose terms fit file checks. Raises ExecutorError."""
    return SandboxPool(
        workers,
        isolation=isolation,
        seconds=CHECK_SECONDS + _MARGIN_SECONDS,
        preload=(),
        hidden=tuple(hidden),
    )


def run_check(check: FileCheck, workspace: Path, scorer: Scorer) -> CheckOutcome:
    """Carry out a file check on a copy of the workspace. Raises ExecutorError where no sandbox can be had."""
    try:
        files = {
            path: data
            for path, data in read_folder(workspace, scorer.pool.folder_bytes).items()
            if PurePosixPath(path).parts[0] != CHECKERS
        }
        sandbox = scorer.pool.open(files={**files, **scorer.checkers})
    except WorkingFolderTooLarge as error:
        return CheckOutcome(False, None, str(error))
    asked = {
        "command": check.command,
        "seconds": check.seconds,
        "expect_exit": check.expect_exit,
        "stdout": check.stdout,
        "pattern": check.stdout_is_pattern,
        "files": _kept_attributes(workspace, files),
        "environment": _environment(files),
    }
    with sandbox:
        seen = sandbox.execute(_CHECK.format(asked=json.dumps(asked), chars=_OUTPUT_CHARS))
    if seen.error is not None and seen.error.name in _ENDED:
        return CheckOutcome(False, None, seen.error.message)  # what the agent left can have done that
    return _outcome(seen)


def _outcome(seen: Observation) -> CheckOutcome:
    try:
        found: Any = json.loads(seen.stdout.strip().rpartition("\n")[2])
        return CheckOutcome(found["passed"] is True, found["exit_code"], str(found["output"]))
    except (ValueError, KeyError, TypeError) as error:
        said = seen.error.message if seen.error else seen.stdout[-200:] or "it said nothing"
        raise ExecutorError(f"A check could not be carried out: {said}.", "See `metaclaw doctor`.") from error


def _kept_attributes(workspace: Path, files: Iterable[str]) -> list[tuple[str, int, float]]:
    """Path, mode and time of change of each file: what a copy by content loses."""
    kept = []
    for path in files:
        if not path.endswith("/"):
            found = os.stat(workspace / path)
            kept.append((path, found.st_mode & 0o777 | 0o600, found.st_mtime))
    return kept


def _environment(files: Iterable[str]) -> dict[str, str]:
    """Where the workspace has a module named as one of the standard library's, Python must not look there first."""
    if any(_shadows(PurePosixPath(path)) for path in files):
        return {"PYTHONSAFEPATH": "1", "PYTHONPATH": CHECKERS}
    return {}


def _shadows(path: PurePosixPath) -> bool:
    name, _, kind = path.parts[0].partition(".")
    if name not in sys.stdlib_module_names:
        return False
    if len(path.parts) == 1:
        return kind.rpartition(".")[2] in ("py", "pyc", "so")
    return len(path.parts) == 2 and path.name.partition(".")[0] == "__init__"
