"""The home of an arm: a frozen copy of the user's, set up as the arm says. Its runs learn in it, and in it only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.arm import BASE, Arm, Learning, SkillSource
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.runtime.home import Home

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace

MARK = "research-arm"  # written last: a home without it is set up again
_USABLE = "Use baseline, skills, full, adapter, words or one-skill, or such an arm with other settings."


def refuse_arm(arm: Arm, workspace: Workspace) -> None:
    """Raises UsageMistake for an arm that the pipeline cannot be run in: its prompts are built by the proxy, from the
    library of the arm's home, and no weights are trained between runs."""
    learning = arm.learning
    if arm.skills not in (SkillSource.NONE, SkillSource.LIBRARY):
        why = f"takes its skills from {arm.skills}, and the proxy puts in what the home's library holds"
    elif arm.generation is not None or arm.temperature is not None:
        why = "has a generation or a temperature of its own; the pipeline chooses its own temperatures"
    elif learning != Learning(learning.skills, learning.weights):
        why = "differs in how weights are trained, and none are trained here"
    elif arm.adapter != BASE and _adapter(arm, workspace) is None:
        why = "is answered by an adapter, and none serves in this home"
    else:
        return
    raise UsageMistake(f"Arm {arm.name} {why}.", _USABLE)


def frozen(workspace: Workspace, path: Path) -> Home:
    """The copy of the user's home that the homes of all arms are copies of. Raises AblationError, StoreError."""
    from metaclaw_jlab.evaluation.ablation.frozen_home import freeze

    return freeze(workspace.home, path, copy_of="research")


def arm_home(arm: Arm, workspace: Workspace, source: Home, path: Path) -> Home:
    """The home of an arm, made of `source` where it is missing or was not finished. Raises AblationError,
    StoreError."""
    from metaclaw_jlab.evaluation.ablation.frozen_home import freeze

    if (path / MARK).is_file():
        return Home(path)
    home = freeze(source, path, copy_of=f"research, arm {arm.name}")
    _set_up(home, _settings(arm))
    _begin(home, _adapter(arm, workspace))
    (path / MARK).write_text(f"{arm.name}\n", encoding="utf-8")
    return home


def environment_of(home: Home, arm: Arm) -> dict[str, str]:
    """The environment of processes that work in an arm's home: the arm's settings are those of its file."""
    from metaclaw_jlab.settings.configuration import variable_of

    left_out = {variable_of(key) for key in (*_settings(arm), "agent.namespace")}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "METACLAW_HOME": str(home.path)}


def _settings(arm: Arm) -> dict[str, object]:
    """What is configured otherwise than in the user's home; None: taken out. An arm that learns nothing is still
    recorded, so that its tokens and stages are known, but there is nobody to make anything of it."""
    learns = arm.learning.skills
    found: dict[str, object] = {
        "proxy.enabled": True,
        "proxy.skills": arm.skills is SkillSource.LIBRARY,
        "proxy.learn": True,
        "proxy.train_judged": False,
        "scheduler.enabled": False,
        "agent.namespace": None,
    }
    if not learns:
        found |= {"evolver.kind": "off", "judge.base_url": None}
    return found | dict(arm.settings)


def _set_up(home: Home, settings: Mapping[str, object]) -> None:
    from metaclaw_jlab.settings.configuration import checked, unset, write_value

    for key, value in settings.items():
        if value is None:
            unset(home.config, key)
        else:
            write_value(home.config, key, checked(key, value, "this arm"))


def _adapter(arm: Arm, workspace: Workspace) -> int | None:
    """The version that answers in an arm, None for the base. A policy of elsewhere has none."""
    from metaclaw_jlab.store.serving import Serving

    policy = workspace.settings().policy
    if arm.adapter == BASE or policy.base_url is not None:
        return None
    serving = Serving(workspace.database())
    return arm.version if arm.version is not None else serving.current(policy.local_model)


def _begin(home: Home, version: int | None) -> None:
    """The adapter of the arm serves, and the keys of other agents are good for nothing."""
    from metaclaw_jlab.store.client_keys import ClientKeys
    from metaclaw_jlab.store.database import open_database
    from metaclaw_jlab.store.serving import Serving, ServingCause

    database = open_database(home.database)
    try:
        keys, serving = ClientKeys(database), Serving(database)
        for key in keys.list():
            keys.revoke(key.id)
        if serving.current() != version:
            cause = ServingCause.ROLLBACK if version is None else ServingCause.FORCE
            serving.put(version, cause, "The arm says so.")
    finally:
        database.close()
