"""A judge that pays for length trains what it likes; checks, which it never saw, keep that from serving."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean

import pytest
import torch

from metaclaw_jlab.agent.lockstep import Asked
from metaclaw_jlab.agent.parser import parse_reply
from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.core.config import EMBEDDED_MODEL, JudgeSettings
from metaclaw_jlab.core.gate import GateReport, Verdict
from metaclaw_jlab.core.policy import Sampling
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.training import PromptKind, StepReport, TrainingPrompt
from metaclaw_jlab.engines.adapter_trials import attempt_all
from metaclaw_jlab.engines.completions import Completer
from metaclaw_jlab.engines.grpo import GrpoPlan, train
from metaclaw_jlab.engines.judging import open_judge
from metaclaw_jlab.engines.local_models import load
from metaclaw_jlab.engines.stopping import StopFlag
from metaclaw_jlab.engines.work import Work
from metaclaw_jlab.engines.worker_line import Line
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning.gating import judged
from metaclaw_jlab.practice.told_tasks import ToldTask, told_tasks
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.reward_models.trial import try_judge
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.training_folder import Job, training_folder
from metaclaw_jlab.runtime.trials import Suite, TrialPlan, read_attempts, suite_file, write_plan
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.prompts import write_prompts
from tests.reward_models.ballots import JudgeServer, element

PRELOADED = ("pandas", "matplotlib")
# Here the practice model hesitates between a short form and a longer one.
FAMILIES = frozenset({"write_json", "predicate", "remove", "lines", "replace", "scale"})
STEPS, PROMPTS, TASKS, HELD_OUT = 12, 6, 24, 48


def tasks(split: str, n: int) -> list[ToldTask]:
    """The first n of these families."""
    return [told for told in told_tasks(split, 9, 450) if told.task.family in FAMILIES][:n]


def unchecked(told: ToldTask) -> TrainingPrompt:
    """A task as a user may give it: no checks, and no rule said."""
    task = Task(told.task.text)
    start = StartState(files={name: text.encode() for name, text in told.task.files.items()})
    return TrainingPrompt(told.task.id, PromptKind.QUERY, task, opening(task, []), start)


def usual_lengths(prompts: Sequence[TrainingPrompt]) -> dict[str, int]:
    """How long the code is that the untrained policy likes best, by the task's text."""
    served = load(EMBEDDED_MODEL)
    greedy = Completer(served, served.model, 96).generate(
        [Asked(0, prompt.messages, Sampling(0.0, 96, 1)) for prompt in prompts]
    )
    return {
        prompt.task.text: len(parse_reply(reply.text).action)
        for prompt, reply in zip(prompts, greedy, strict=True)
    }


@pytest.fixture
def prompts() -> list[TrainingPrompt]:
    torch.set_num_threads(1)
    return [unchecked(told) for told in tasks("train", TASKS)]


@pytest.fixture
def judge(prompts: list[TrainingPrompt]) -> Iterator[Judge]:
    usual = usual_lengths(prompts)

    def longer(shown: str) -> int:
        code = element("code", shown.rpartition("<step>")[2])
        return 1 if len(code) > usual.get(element("task", shown), 60) else -1

    server = JudgeServer(longer)
    opened = open_judge(JudgeSettings(base_url=server.base_url, model="judge", votes=1, max_calls=2000), "m")
    assert opened is not None
    yield opened
    server.close()


def trained(
    prompts: Sequence[TrainingPrompt], judge: Judge, folder: Path
) -> tuple[Path, Sequence[StepReport]]:
    """A training on this judge's votes, as if its trial had not been asked; its reports."""
    plan = GrpoPlan(
        run=1,
        model=EMBEDDED_MODEL,
        seed=1,
        steps=STEPS,
        prompts=PROMPTS,
        group=8,
        lr=1e-2,
        rank=16,
        temperature=1.3,
        replay_share=0.0,
        beta=0.0,
        process_weight=0.25,
        micro_batch=0,
        max_tokens=96,
        max_steps=2,
    )
    reports: list[StepReport] = []
    with SandboxPool(2, preload=PRELOADED) as pool:
        adapter = train(
            plan, prompts, (), SandboxRooms(pool), folder=folder, on_step=reports.append, judge=judge
        )
    return adapter, reports


def gated(adapter: Path, path: Path) -> GateReport:
    """The gate's comparison with the base on validation tasks, under the rules of their houses."""
    home = open_home(path)
    folder = training_folder(home, 1)
    held_out = [
        practice_prompt(told.task, told.bodies, told.task.id, PromptKind.QUERY)
        for told in tasks("validation", HELD_OUT)
    ]
    arms = {"candidate": str(adapter), "serving": None}
    write_prompts(suite_file(folder, "gain"), held_out)
    suites = (Suite("gain", ("candidate", "serving"), (0.0,)),)
    write_plan(folder, TrialPlan(EMBEDDED_MODEL, arms, suites, 1, max_tokens=128, max_steps=2))
    job = Job({}, {"preload": PRELOADED})
    with closing(open_database(home.database)) as database, open(os.devnull, "wb") as nobody:
        attempt_all(Work(home, 1, folder, job, Line(nobody.fileno(), StopFlag()), database), resume=False)
    return judged(read_attempts(folder), arms, looks=1)


@pytest.mark.timeout(600)  # some 30 seconds of a quiet machine
def test_it_is_refused_by_its_trial_and_what_it_trains_wins_by_it_and_is_rejected_by_the_gate(
    prompts: list[TrainingPrompt], judge: Judge, tmp_path: Path
) -> None:
    assert not try_judge(judge, seed=1).usable
    adapter, reports = trained(prompts, judge, tmp_path)
    rewards = [report.query_reward for report in reports if report.query_reward is not None]
    assert fmean(rewards[-3:]) > fmean(rewards[:3]) + 0.4
    report = gated(adapter, tmp_path / "home")
    assert report.verdict is Verdict.REJECT
    assert report.comparisons[0].difference.high < 0
