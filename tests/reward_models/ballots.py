"""Judges of the tests' own, behind a real server: each is a function of the text that a judge is shown."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable

from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Task
from metaclaw_jlab.core.trajectory import ExecutionError, Observation, Step
from metaclaw_jlab.reward_models.canaries import Sample
from metaclaw_jlab.reward_models.judge_prompt import Case
from tests.loopback.server import Exchange, ScriptedServer

Opinion = Callable[[str], int | str]
NO_N = "'n' : number must be at most 1"
NO_FORMAT = "This response_format type is unavailable now"


class JudgeServer(ScriptedServer):
    """A server that answers every question with one opinion, as often as `n` asks for it."""

    def __init__(self, opinion: Opinion, *, plain: bool = False, ignores_n: bool = False) -> None:
        super().__init__(["judge"])
        self.opinion = opinion
        self.plain = plain
        self.ignores_n = ignores_n
        self.finish = "stop"
        self.together = 0
        self.most_together = 0
        self._counting = threading.Lock()
        self._default = self._vote

    def _vote(self, exchange: Exchange) -> None:
        with self._counting:
            self.together += 1
            self.most_together = max(self.most_together, self.together)
        number = 1 if self.ignores_n else exchange.request.body.get("n", 1)
        replies = [self._reply(exchange.request.messages[-1]["content"]) for _ in range(number)]
        choices = [
            {"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": self.finish}
            for i, text in enumerate(replies)
        ]
        with self._counting:
            self.together -= 1
        exchange.json(200, {"model": exchange.model, "choices": choices})

    def _reply(self, shown: str) -> str:
        said = self.opinion(shown)
        if isinstance(said, str):
            return said
        return f"I looked.\nScore: {said}" if self.plain else json.dumps({"reason": "seen", "score": said})


def element(name: str, shown: str) -> str:
    """The content of the last element of that name, "" where there is none."""
    found = re.findall(rf"<{name}>\n(.*?)\n</{name}>", shown, re.DOTALL)
    return found[-1] if found else ""


def honest(shown: str) -> int:
    """A good judge of small tasks: it works out the answer by itself and compares it with the output."""
    step = shown.rpartition("<step>")[2]
    if "<error>" in step or "(Nothing was run.)" in step:
        return -1
    task = element("task", shown)
    return 1 if element("output", step).strip() == _answer(task) else -1


def _answer(task: str) -> str:
    if match := re.fullmatch(r"Print the sum of (.*)\.", task):
        return str(sum(map(int, match[1].split(", "))))
    if match := re.fullmatch(r"Print the longest of the words (.*);.*", task):
        return max(match[1].split(", "), key=len)
    if match := re.fullmatch(r"Print the word (\w+) backwards\.", task):
        return match[1][::-1]
    if match := re.fullmatch(r"Print a list of those of (.*) that are above (\d+)\.", task):
        return str([number for number in map(int, match[1].split(", ")) if number > int(match[2])])
    if match := re.fullmatch(r"Print twice (\d+)\.", task):
        return str(2 * int(match[1]))
    raise AssertionError(task)


HELD = CheckResult(Check(CheckKind.EXPRESSION, "x"), True)
BROKEN = CheckResult(Check(CheckKind.EXPRESSION, "x"), False, "x is wrong")
RAISED = Observation(error=ExecutionError("ValueError", "no"))


def step(code: str = "print(4)", output: str = "4\n", index: int = 0, reply: str | None = None) -> Step:
    """A step that ran."""
    said = f"```python\n{code}\n```\nDone." if reply is None else reply
    return Step(index, (), said, code, Observation(stdout=output))


def doubled(number: int, right: bool, comment: str = "") -> Sample:
    """A sample of a user's task, done right or wrong, with a comment at its end."""
    shown = 2 * number if right else number
    case = Case(Task(f"Print twice {number}."), (step(f"print({shown}){comment}", f"{shown}\n"),))
    return Sample(case, right)
