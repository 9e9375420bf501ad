"""Measures how well the embedded policy obeys the distiller's wordings, on the validation split of the practice world.

    python benchmarks/distiller_wordings.py [--split validation] [--new 5] [--seed 0] [--rules NAME ...] [--habits]

For every rule, option and sentence of feedback a task fails without a skill; the distiller sees its text, code, output
and that one sentence. Each wording is tried greedily, alone in the prompt, on the failed task and two more, in rounds
of 6 until one is obeyed on all three. The first, a random and the chosen wording are then tried on new tasks, beside
the phrasing that a given skill would have. Writes build/bench/distiller_wordings.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random
from statistics import fmean

import metaclaw_jlab.engines.embedded as embedded
from metaclaw_jlab.agent.parser import parse_reply
from metaclaw_jlab.agent.playing import play
from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.core.evolution import Failure, FailureKind
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.engines.embedded.generation import Generator, load
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import (
    RULES,
    Outcome,
    PracticeTask,
    Verdict,
    check,
    draw_house,
    sample_task,
    splits_sha256,
)
from metaclaw_jlab.practice.feedback import TEMPLATES
from metaclaw_jlab.practice.house import rule_phrase
from metaclaw_jlab.practice.phrasings import describe
from metaclaw_jlab.practice.splits import values
from metaclaw_jlab.skills.distiller import Distiller

OUTPUT = Path("build/bench/distiller_wordings.json")
REPLAYS, ROUND, WORKERS = 3, 6, 2
ALLOWED_LOSS = 0.10
_NO_CODE = Outcome(error="NoCode: the reply holds no code", stdout="", files={}, probes={})
Job = tuple[PracticeTask, str]


@dataclass
class Combination:
    """A rule, an option and a sentence of feedback; shares of new tasks obeyed with each choice of wording."""

    rule: str
    option: str
    said: str
    given: float
    wordings: tuple[str, ...] = ()
    first: float = 0.0
    random: float = 0.0
    chosen: float = 0.0
    best: str = ""
    tried: dict[str, int] = field(default_factory=dict)


class Player:
    """Does tasks with one skill or none, each pair of task and code once."""

    def __init__(self, generator: Generator, pool: SandboxPool) -> None:
        self.generator, self.pool = generator, pool
        self.replies: dict[tuple[str, str], str] = {}
        self.seen: dict[tuple[str, str], tuple[Verdict, str]] = {}

    def play(self, jobs: Sequence[Job]) -> list[tuple[str, Verdict, str]]:
        """Code, verdict and output of each job; an empty skill is none."""
        tasks = {task.id: task for task, _ in jobs}
        new = [job for job in dict.fromkeys((t.id, skill) for t, skill in jobs) if job not in self.replies]
        prompts = [opening(Task(tasks[task].text), (skill,) if skill else ()) for task, skill in new]
        self.replies.update(zip(new, self.generator.complete(prompts, 0.0), strict=True))
        codes = [parse_reply(self.replies[task.id, skill]).action for task, skill in jobs]
        ran = [(task.id, code) for (task, _), code in zip(jobs, codes, strict=True)]
        missing = [key for key in dict.fromkeys(ran) if key not in self.seen]
        with ThreadPoolExecutor(WORKERS) as threads:
            done = threads.map(lambda key: self._verdict(tasks[key[0]], key[1]), missing)
            self.seen.update(zip(missing, done, strict=True))
        return [(code, *self.seen[key]) for code, key in zip(codes, ran, strict=True)]

    def obeyed(self, tasks: Sequence[PracticeTask], skills: Sequence[str]) -> list[int]:
        """How many of the tasks each skill is obeyed on."""
        played = self.play([(task, skill) for skill in skills for task in tasks])
        strict = [verdict.strict for _, verdict, _ in played]
        return [sum(strict[start : start + len(tasks)]) for start in range(0, len(strict), len(tasks))]

    def _verdict(self, task: PracticeTask, code: str) -> tuple[Verdict, str]:
        if not code:
            return check(task, _NO_CODE), ""
        played = play(self.pool, task, [code])
        return check(task, played.outcome), played.observations[-1].stdout


def options(split: str, names: Sequence[str], habits: bool) -> Iterator[tuple[str, str]]:
    for rule in RULES.values():
        if not names or rule.name in names:
            yield from ((rule.name, o) for o in ([rule.habit] if habits else values(rule.name, split)))


def said_of(rule: str, option: str) -> list[str]:
    own = f"{rule}/{option}"
    return [text.format(**describe(rule, option)) for text in TEMPLATES[own if own in TEMPLATES else rule]]


def measure(player: Player, split: str, rule: str, option: str, new: int, seed: int) -> list[Combination]:
    rng = Random(f"{seed}/{rule}/{option}")
    drawn = draw_house(rng, split)
    house = replace(drawn, options={**drawn.options, rule: option})
    tasks = [sample_task(rng, split, house, compound=False, rules=1, rule=rule) for _ in range(REPLAYS + new)]
    replays, fresh = tasks[:REPLAYS], tasks[REPLAYS:]
    code, _, shown = player.play([(replays[0], "")])[0]
    given = player.obeyed(fresh, [rule_phrase(rule, option, rng, "train")])[0] / new
    found = []
    for said in said_of(rule, option):
        failure = Failure("failed", FailureKind.CHECK, replays[0].text, code, shown, (said,))
        drafts = Distiller().propose([failure], ()).drafts
        one = Combination(rule, option, said, given, drafts[0].wordings if drafts else ())
        found.append(one)
        for start in range(0, len(one.wordings), ROUND):
            batch = one.wordings[start : start + ROUND]
            one.tried.update(zip(batch, player.obeyed(replays, batch), strict=True))
            if max(one.tried.values()) == REPLAYS:
                break
        if one.wordings:
            one.best = max(one.tried, key=lambda wording: one.tried[wording])
            picked = [one.wordings[0], rng.choice(one.wordings), one.best]
            one.first, one.random, one.chosen = (count / new for count in player.obeyed(fresh, picked))
    return found


def summary(found: Sequence[Combination]) -> dict[str, float]:
    within = [one.chosen >= one.given - ALLOWED_LOSS - 1e-9 for one in found]
    shares = {
        name: fmean(getattr(one, name) for one in found) for name in ("first", "random", "chosen", "given")
    }
    return {"combinations": len(found), **shares, "within_0.10": fmean(within)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--split", default="validation", choices=("train", "validation", "regression", "replay")
    )
    parser.add_argument("--new", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rules", nargs="*", default=[])
    parser.add_argument(
        "--habits", action="store_true", help="measure the habits instead of the other options"
    )
    asked = parser.parse_args()
    found: list[Combination] = []
    generator = load(Path(embedded.__file__).parent / "model")
    with SandboxPool(WORKERS, preload=("pandas", "matplotlib")) as pool:
        player = Player(generator, pool)
        for rule, option in options(asked.split, asked.rules, asked.habits):
            more = measure(player, asked.split, rule, option, asked.new, asked.seed)
            found += more
            print(f"{rule:14} {option:12}", {k: round(v, 2) for k, v in summary(more).items()}, flush=True)
    total = summary(found)
    print({name: round(value, 3) for name, value in total.items()})
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "splits_sha256": splits_sha256(),
        **vars(asked),
        **total,
        "found": [asdict(one) for one in found],
    }
    OUTPUT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
