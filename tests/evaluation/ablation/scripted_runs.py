"""Small ablations with a scripted policy: what it answers hangs on the task, the seed and the temperature alone."""

from __future__ import annotations

import json
import re
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.core.ablation import AblationPlan, Attempt, Budget, Days
from metaclaw_jlab.core.arm import BASE, Arm, SkillSource
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.runtime.home import Home, open_home
from tests.loopback.server import ScriptedServer

ARMS = (
    Arm("cold", SkillSource.NONE, adapter=BASE, temperature=0.0),
    Arm("warm", SkillSource.NONE, adapter=BASE, temperature=0.5),
)
TEMPERATURES = {arm.name: arm.temperature for arm in ARMS}
CONFIG = '[policy]\nbase_url = "{url}"\nmodel = "scripted"\nretries = 0\n\n[sandbox]\nunattended = true\n'


@dataclass
class Asked:
    """A policy's memory: how often each task was asked with each seed and temperature."""

    counts: Counter[tuple[str, int, float]] = field(default_factory=Counter)
    on_request: Callable[[int], None] = lambda _: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: dict[str, Any]) -> str:
        """Right for about half of the tasks."""
        text = body["messages"][-1]["content"]
        found = re.search(r"Let x be (\d+)", text)
        assert found is not None, text
        key = (found[1], int(body["seed"]), float(body["temperature"]))
        with self._lock:
            self.counts[key] += 1
            total = self.counts.total()
        self.on_request(total)
        right = zlib.crc32(repr(key).encode()) % 2
        return render_reply(f"x = {found[1] if right else -1}", done=True)


def home_with(server: ScriptedServer, folder: Path, tasks: int = 10, learnt: int = 0) -> tuple[Home, Asked]:
    """A home whose policy is the server, with a file `tasks.jsonl` beside it; `learnt` more are there to learn from."""
    asked = Asked()
    server.always(asked.answer)
    home = open_home(folder / "home")
    home.config.write_text(CONFIG.format(url=server.base_url))
    lines = [
        json.dumps({"id": f"t{i:02d}", "task": f"Let x be {i}.", "checks": [f"x == {i}"]})
        for i in range(tasks)
    ]
    lines += [
        json.dumps({"task": f"Let x be {i}.", "checks": [f"x == {i}"], "split": "train"})
        for i in range(100, 100 + learnt)
    ]
    (folder / "tasks.jsonl").write_text("\n".join(lines))
    return home, asked


def planned_run(
    home: Home,
    folder: Path,
    *,
    n: int = 10,
    seeds: Sequence[int] = (1,),
    parallel: int = 1,
    budget: Budget | None = None,
    arms: Sequence[Arm] = ARMS,
    samples: int = 1,
    days: Days | None = None,
) -> RunFolder:
    """A run of these arms on the file of tasks."""
    plan = AblationPlan(
        arms=tuple(arms),
        tasks=str(folder / "tasks.jsonl"),
        reference=arms[0].name,
        n=n,
        seeds=tuple(seeds),
        samples=samples,
        days=days,
        budget=budget or Budget(),
        parallel=parallel,
    )
    return create_run(home, plan)


def results(attempts: Sequence[Attempt]) -> dict[tuple[str, str, int, int], tuple[float, str, int]]:
    """What attempts came to, by key."""
    return {one.key: (one.value, one.stop, one.steps) for one in attempts}
