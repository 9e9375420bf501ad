"""The tasks of an ablation, whatever they come from, with test and training apart."""

from __future__ import annotations

from pathlib import Path

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.errors import TaskSetInvalid
from metaclaw_jlab.core.task_set import TaskSet
from metaclaw_jlab.evaluation.task_sets.jsonl import load_jsonl
from metaclaw_jlab.evaluation.task_sets.leaks import refuse_leaks
from metaclaw_jlab.evaluation.task_sets.logged import load_logged
from metaclaw_jlab.evaluation.task_sets.notebook_cells import load_notebook
from metaclaw_jlab.evaluation.task_sets.options import TaskSetOption, describe_task_sets
from metaclaw_jlab.evaluation.task_sets.practice_tasks import load_practice
from metaclaw_jlab.store.learnt_from import learnt_texts

_BENCH = "metaclaw-bench:"
_KINDS = (
    "Use practice:held-out, practice:validation, FILE.jsonl, NOTEBOOK.ipynb, log, log:last-200 or "
    "metaclaw-bench:DIR."
)

__all__ = ["TaskSetOption", "describe_task_sets", "load_tasks"]


def load_tasks(spec: str, n: int, *, seed: int, workspace: Workspace, days: Days | None = None) -> TaskSet:
    """At most n test tasks of a set, the days before them where `days` are given, and tasks for choices.

    Only practice sets hang on the seed. Raises TaskSetInvalid, LeakFound where test tasks were learnt from.
    """
    if n < 1:
        raise TaskSetInvalid(f"{n} tasks are too few.", "Use 1 or more.")
    learnt = learnt_texts(workspace.database())
    found = _loaded(spec.strip(), n, seed, workspace, days, learnt)
    refuse_leaks(found, learnt)
    return found


def _loaded(
    spec: str, n: int, seed: int, workspace: Workspace, days: Days | None, learnt: dict[str, str]
) -> TaskSet:
    if spec.startswith("practice:"):
        return load_practice(spec, n, seed=seed, days=days)
    if spec == "log" or spec.startswith("log:"):
        if days is not None:
            raise TaskSetInvalid(
                "Logged tasks were learnt from as they came: they make no days.",
                "Leave the days out, or use practice:held-out, a JSONL file or a notebook.",
            )
        return load_logged(spec, n, workspace.database(), learnt)
    if spec.startswith(_BENCH):
        raise TaskSetInvalid(
            "The days of MetaClaw-Bench have a workspace and a conversation of their own.",
            f"Run: metaclaw bench metaclaw-bench --data {spec.removeprefix(_BENCH) or 'DIR'} "
            "--arms baseline,skills,full",
        )
    cap = int(workspace.settings().training.start_mb * 1e6)
    if (path := _file(spec, "jsonl")) is not None:
        return load_jsonl(spec, path, n, days, cap)
    if (path := _file(spec, "ipynb")) is not None:
        return load_notebook(spec, path, n, days, cap)
    raise TaskSetInvalid(f"There is no task set {spec!r}.", _KINDS)


def _file(spec: str, kind: str) -> Path | None:
    """The path of a file of this kind, told by its ending or by the word before it."""
    prefix = f"{kind}:"
    if spec.startswith(prefix) and spec != prefix:
        return Path(spec.removeprefix(prefix)).expanduser()
    return Path(spec).expanduser() if spec.endswith(f".{kind}") else None
