"""Runs the pipeline once for each arm and run, in turn: run 1 of every arm, then run 2, so that time of day and a
service's moods fall on all arms alike. A run that is over is not repeated; one that was cut off goes on where it
was."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.arm import Arm, SkillSource
from metaclaw_jlab.core.errors import ResearchError
from metaclaw_jlab.evaluation.research.arm_home import arm_home, environment_of, frozen, refuse_arm
from metaclaw_jlab.evaluation.research.arm_server import last_words, serving
from metaclaw_jlab.evaluation.research.measuring import measured
from metaclaw_jlab.evaluation.research.pipeline import LOOK_SECONDS, run_process, words_of
from metaclaw_jlab.evaluation.research.pipeline_config import (
    KEY_VARIABLE,
    PipelineConfig,
    derived,
    write_config,
)
from metaclaw_jlab.evaluation.research.records import RunPlace, hold_to, place_of
from metaclaw_jlab.evaluation.research.stages import (
    FAILED,
    latest,
    merged,
    reached,
    read_executions,
    read_lessons,
)

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.runtime.home import Home

HOURS = 24.0
_LOCAL = "127.0.0.1,localhost"


@dataclass(frozen=True, slots=True)
class Research:
    """What is to be run. `program` are the words that start AutoResearchClaw, `minutes` the longest that one run may
    take, all starts of it together."""

    config: PipelineConfig
    program: tuple[str, ...]
    arms: tuple[Arm, ...]
    out: Path
    runs: int = 1
    minutes: float = 60 * HOURS
    say: Callable[[str], None] = field(default=lambda _: None)
    look_seconds: float = LOOK_SECONDS


def run_research(research: Research, workspace: Workspace) -> tuple[dict[str, Any], ...]:
    """The results of all runs of these arms, those of before included, in the order in which they are run.

    Raises UsageMistake for an arm that cannot be, ResearchError, and what making a home raises. KeyboardInterrupt ends
    the run under way, which goes on next time.
    """
    for arm in research.arms:
        refuse_arm(arm, workspace)
    hold_to(research.out, research.config.path, research.arms, workspace.home.id)
    source = frozen(workspace, research.out / "home")
    results = []
    for number in range(1, research.runs + 1):
        for arm in research.arms:
            place = place_of(research.out, arm.name, number)
            result = place.result()
            if result is None:
                home = arm_home(arm, workspace, source, research.out / arm.name / "home")
                result = _run(research, arm, home, place)
                place.finish(result)
            results.append(result)
    return tuple(results)


def _run(research: Research, arm: Arm, home: Home, place: RunPlace) -> dict[str, Any]:
    place.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = environment_of(home, arm)
    if not place.state().over:
        _carry_out(research, arm, home, place, environment)
        place.keep(replace(place.state(), over=True))
    return _after(research, arm, home, place)


def _carry_out(
    research: Research, arm: Arm, home: Home, place: RunPlace, environment: Mapping[str, str]
) -> None:
    """Start the pipeline, and again where a stage failed, as often as its configuration says that a stage is tried."""
    with serving(environment, place.path) as server:
        client, key = _key(home, arm, place)
        config = place.path / "config.yaml"
        write_config(derived(research.config, server.base_url, place.path), config)
        state = place.state()
        place.keep(replace(state, clients=(*state.clients, client)))
        own = {**os.environ, KEY_VARIABLE: key, "PYTHONUNBUFFERED": "1", **_past_proxies(os.environ)}
        for left in reversed(range(1 + research.config.retries)):
            _start(research, place, config, own)
            state = place.state()
            if not state.executions:
                raise ResearchError(
                    f"AutoResearchClaw ended with {state.codes[-1]} before its first stage: "
                    f"{last_words(place.log)}",
                    f"Its log is {place.log}.",
                )
            failed = [one for one in latest(state.executions).values() if one.status == FAILED]
            if state.codes[-1] in (0, None) or not failed or not left:
                return
            research.say(f"{place.arm} run {place.number}: {failed[-1].name} failed, it is tried again")


def _start(research: Research, place: RunPlace, config: Path, environment: Mapping[str, str]) -> None:
    """One start of the pipeline, with its stages told and taken down as they come."""
    state, told, began = place.state(), "", time.monotonic()
    left = 60 * research.minutes - state.seconds

    def look() -> None:
        nonlocal told
        known = place.state()
        found = merged(known.executions, read_executions(place.output))
        if found != known.executions:
            place.keep(replace(known, executions=found, seconds=state.seconds + time.monotonic() - began))
        stage = reached(place.output)
        if stage and stage != told:
            told = stage
            research.say(f"{place.arm} run {place.number}: stage {stage}")

    place.keep(replace(state, starts=state.starts + 1))
    # A folder without a stage has nothing to go on from.
    words = words_of(research.program, config, place.output, resume=bool(state.executions))
    ended = run_process(
        words, environment, place.log, seconds=left, look=look, look_seconds=research.look_seconds
    )
    seconds, codes = state.seconds + ended.seconds, (*state.codes, ended.code)
    place.keep(replace(place.state(), seconds=seconds, codes=codes))


def _after(research: Research, arm: Arm, home: Home, place: RunPlace) -> dict[str, Any]:
    """What the run came to, and what its arm learns of it. The server has ended: nobody else works in the home."""
    from metaclaw_jlab.assembly.workspace import open_workspace
    from metaclaw_jlab.evaluation.research.learning import learn
    from metaclaw_jlab.evaluation.research.turns import read_turns

    state = place.state()
    workspace = open_workspace(home.path, namespace="")
    try:
        turns = read_turns(workspace.database(), state.clients, state.executions)
        result = measured(place, turns, bridged=research.config.bridged)
        lessons = read_lessons(place.output)
        if arm.learning.skills and arm.skills is not SkillSource.NONE:
            learnt = learn(workspace, lessons, turns, f"research-{arm.name}-{place.number}")
            research.say(f"{place.arm} run {place.number}: {_learnt_in_words(learnt.skills, learnt.trouble)}")
            result["learnt"] = {
                "lessons": learnt.lessons,
                "generation_before": learnt.before,
                "generation_after": learnt.after,
                "skills": list(learnt.skills),
                "trouble": learnt.trouble,
            }
    finally:
        workspace.close()
    return result


def _learnt_in_words(skills: Sequence[str], trouble: str) -> str:
    told = f"learnt {', '.join(skills)}" if skills else "learnt nothing new"
    return f"{told}; failures wait: {trouble}" if trouble else told


def _key(home: Home, arm: Arm, place: RunPlace) -> tuple[str, str]:
    """A key for the run's calls, and its id; the key is kept nowhere."""
    from metaclaw_jlab.store.client_keys import ClientKeys, ClientSettings
    from metaclaw_jlab.store.database import open_database

    database = open_database(home.database)
    try:
        name = f"research {place.number}, start {place.state().starts + 1}"
        settings = ClientSettings(skills=arm.skills is SkillSource.LIBRARY, learn=True)
        keys = ClientKeys(database)
        for client in keys.list():
            keys.revoke(client.id)
        client, key = keys.add(name, settings=settings)
    finally:
        database.close()
    return client.id, key


def _past_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Calls to this machine go past the proxies of the environment."""
    return {
        name: f"{found},{_LOCAL}" if (found := environment.get(name)) else _LOCAL
        for name in ("NO_PROXY", "no_proxy")
    }
