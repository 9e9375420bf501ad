"""A policy server without a model that does the tasks of a measurement with natural names, by the rules of its house
where a skill is in the prompt.

`--home PATH --model NAME --form FORM --seed S --tasks N --stream N [--asked FILE] [--kill-at N | --interrupt-at N]`:
at its n-th completion it kills, or interrupts, the process that started it.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.evaluation.practice_arms import draw_households
from metaclaw_jlab.evaluation.practice_stream import draw_stream
from metaclaw_jlab.practice import PracticeTask, solution
from metaclaw_jlab.practice.rules import habits
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.policy_server import Endpoint, publish, withdraw
from tests.loopback.server import Behaviour, Request, ScriptedServer


class PolicyServer(ScriptedServer):
    """A scripted server that says that it is well."""

    def _behaviour(self, request: Request) -> Behaviour:
        if request.path == "/health":
            return lambda exchange: exchange.json(200, {"status": "ok"})
        return super()._behaviour(request)


def known_tasks(seed: int, tasks: int, stream: int) -> tuple[PracticeTask, ...]:
    """What will be asked."""
    (household,) = draw_households(seed, tasks, houses=1, names="natural")
    with tempfile.TemporaryDirectory() as scratch:
        drawn = draw_stream(household, Path(scratch) / "home", seed=seed, length=stream, names="natural")
        drawn.workspace.close()
    return (*household.tasks, *drawn.tasks)


def answer(body: dict[str, Any], tasks: tuple[PracticeTask, ...]) -> str:
    """The solution of the task that is asked, in one block."""
    said = [message["content"] for message in body["messages"]]
    task = next((task for task in tasks if said[1].startswith(task.text)), None)
    if task is None:
        return "I do not know this task."
    told = any("<skill>" in text for text in said[:2])
    steps = solution(task, task.options if told else habits(task.rules))
    return render_reply("\n".join(steps), done=True)


def main() -> None:
    """Serve until it is stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--form", default="gguf")
    parser.add_argument("--asked", type=Path)
    for name in ("seed", "tasks", "stream", "kill-at", "interrupt-at"):
        parser.add_argument(f"--{name}", type=int, default=0)
    options, _ = parser.parse_known_args()
    tasks = known_tasks(options.seed, options.tasks, options.stream)
    starter, counting, count = os.getppid(), threading.Lock(), 0

    def reply(body: dict[str, Any]) -> str:
        nonlocal count
        with counting:
            count += 1
            if options.asked is not None:
                with options.asked.open("a", encoding="utf-8") as file:
                    file.write(body["messages"][1]["content"].splitlines()[0] + "\n")
            if count == options.kill_at:
                os.kill(starter, signal.SIGKILL)
            if count == options.interrupt_at:
                os.kill(starter, signal.SIGINT)
        return answer(body, tasks)

    server, home, ended = PolicyServer([options.model]), Home(options.home), threading.Event()
    server.always(reply)
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    publish(home, Endpoint(server.base_url, "s3cret", options.model, os.getpid(), options.form))
    ended.wait()
    withdraw(home, os.getpid())


if __name__ == "__main__":
    main()
