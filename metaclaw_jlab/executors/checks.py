"""What each kind of check means: it runs in the process, namespace and folder that the task's code left."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

from metaclaw_jlab.core.task import Check, CheckKind, CheckResult
from metaclaw_jlab.executors.observation import clean, cut, decode

_FEEDBACK_CHARS = 2000


def run_check(check: Check, namespace: Mapping[str, Any], seconds: float = 30.0) -> CheckResult:
    """Carry out a check. Names that it binds do not reach the namespace; what it raises is its feedback.

    `seconds` bounds a command; source runs as long as it runs, in the caller's hands.
    """
    try:
        problem = _problem(check, dict(namespace), seconds)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001
        problem = f"`{_short(check)}` raised {type(error).__name__}: {error}".rstrip(": ")
    if problem is None:
        return CheckResult(check, True)
    return CheckResult(check, False, check.feedback or cut(clean(problem), _FEEDBACK_CHARS)[0])


def _problem(check: Check, namespace: dict[str, Any], seconds: float) -> str | None:
    match check.kind:
        case CheckKind.EXPRESSION:
            return _expression(check, namespace)
        case CheckKind.SCRIPT:
            return _script(check, namespace)
        case CheckKind.COMMAND:
            return _command(check, seconds)
        case CheckKind.FILE:
            return _file(check)


def _expression(check: Check, namespace: dict[str, Any]) -> str | None:
    tree = ast.parse(check.source.strip(), "<check>", "eval")
    if eval(compile(tree, "<check>", "eval"), namespace):
        return None
    return f"`{_short(check)}` is not true{_left_side(tree, namespace)}."


def _left_side(tree: ast.Expression, namespace: dict[str, Any]) -> str:
    """What stands on the left of a comparison that failed: the value that the code arrived at."""
    if not isinstance(tree.body, ast.Compare) or isinstance(tree.body.left, ast.Constant):
        return ""
    try:
        left = ast.Expression(tree.body.left)
        value = eval(compile(left, "<check>", "eval"), namespace)
        return f": `{ast.unparse(left)}` is {cut(repr(value), 300)[0]}"
    except Exception:  # noqa: BLE001
        return ""


def _script(check: Check, namespace: dict[str, Any]) -> str | None:
    tree = ast.parse(check.source, "<check>")
    try:
        exec(compile(tree, "<check>", "exec"), namespace)
    except AssertionError as error:
        return str(error) or _failed_assertion(check.source, error)
    return None


def _failed_assertion(source: str, error: AssertionError) -> str:
    lines = source.splitlines()
    number, frame = 0, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<check>":
            number = frame.tb_lineno
        frame = frame.tb_next
    text = lines[number - 1].strip() if 0 < number <= len(lines) else "assert"
    return f"`{text}` does not hold."


def _command(check: Check, seconds: float) -> str | None:
    process = subprocess.Popen(
        check.source,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            return f"`{_short(check)}` ran longer than {seconds:g} s."
        raise
    if process.returncode == 0:
        return None
    return decode(output).strip() or f"`{_short(check)}` ended with exit code {process.returncode}."


def _file(check: Check) -> str | None:
    path = check.source.strip()
    if os.path.exists(path):
        return None
    parent = os.path.dirname(path) or "."
    there = sorted(os.listdir(parent)) if os.path.isdir(parent) else []
    beside = f" There is: {', '.join(there[:8])}." if there else ""
    return f"There is no file {path}.{beside}"


def _short(check: Check) -> str:
    return cut(" ".join(check.source.split()), 200)[0]
