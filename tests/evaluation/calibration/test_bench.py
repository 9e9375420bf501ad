"""The ordinary agent in the ordinary sandbox: what the policy is shown is what the candidate says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.policy import Completion, Message, Sampling, Usage
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.evaluation.calibration.bench import Bench, households, model_sha256
from metaclaw_jlab.evaluation.calibration.candidates import MIDDLE_THRESHOLD, Candidate
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask, solution
from metaclaw_jlab.practice.rules import habits

BRIEF = Prompting(instructions="brief", max_skills=0, ends="ran")
TOLD = replace(BRIEF, skills_at="task", max_skills=3)


@dataclass
class SmallModel:
    """Does a task whose files it is shown, obeys rules that stand after the task, and never says that it is done."""

    tasks: Sequence[PracticeTask]
    model: str = "small"
    seen: list[tuple[Message, ...]] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self.seen.append(messages)
        self.samplings.append(sampling)
        text = messages[1].content
        task = next(task for task in self.tasks if text.startswith(task.text))
        code = "\n".join(solution(task, task.options if "<skills>" in text else habits(task.rules)))
        shown = not any(f".{end}" in task.text for end in ("csv", "json", "txt")) or "<data" in text
        reply = render_reply(code if shown else "print('?')", done=False)
        return Completion(reply, "stop", self.model, Usage(90, 10))


@pytest.fixture(scope="module")
def bench(arm_pool: SandboxPool) -> Bench:
    drawn = households(1, 8)
    tasks = [task for household in drawn for task in household.tasks]
    return Bench(SmallModel(tasks), arm_pool, Settings(), drawn, 1)


def tried(bench: Bench, candidate: Candidate):
    trial = bench.trial()
    return [trial(task, candidate)[0] for task in bench.tasks]


def test_houses_take_turns(bench: Bench):
    assert [task.id.rsplit("-", 2)[1] for task in bench.tasks] == list("01230123")


def test_a_form_without_rows_does_less(bench: Bench):
    without = tried(bench, Candidate("a", BRIEF))
    shown = tried(bench, Candidate("b", replace(BRIEF, file_rows=3)))
    assert all(attempt.right for attempt in shown)
    assert sum(bool(attempt.right) for attempt in without) < len(shown)


def test_skills_that_are_told_are_obeyed(bench: Bench):
    told = tried(bench, Candidate("c", replace(TOLD, file_rows=3)))
    assert any(attempt.value == 1.0 for attempt in told)
    assert all(attempt.skills for attempt in told)


def test_a_threshold_takes_skills_out(bench: Bench):
    every = tried(bench, Candidate("d", TOLD))
    few = tried(bench, Candidate("e", replace(TOLD, threshold=MIDDLE_THRESHOLD)))
    assert sum(len(one.skills) for one in few) < sum(len(one.skills) for one in every)


def test_an_attempt_tells_what_it_took_and_under_which_candidate(bench: Bench):
    attempt, trajectory = bench.trial()(bench.tasks[0], Candidate("f", BRIEF, 0.3))
    assert attempt.key == (Candidate("", BRIEF, 0.3).key, bench.tasks[0].id, 1, 0)
    assert (attempt.prompt_tokens, attempt.completion_tokens) == (90, 10)
    assert trajectory is not None


def test_candidates_are_sampled_with_the_same_seed_of_a_task(bench: Bench):
    assert isinstance(bench.policy, SmallModel)
    first = len(bench.policy.samplings)
    bench.trial()(bench.tasks[0], Candidate("g", BRIEF))
    second = len(bench.policy.samplings)
    bench.trial()(bench.tasks[0], Candidate("h", TOLD, 0.3))
    one, other = bench.policy.samplings[first], bench.policy.samplings[second]
    assert one.seed == other.seed
    assert (one.temperature, other.temperature) == (0.0, 0.3)


def test_a_file_is_told_by_its_hash(home, tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    assert model_sha256(home, str(file)) == "b83633aa785344791618f2fddf131b010ea04912a60430760b070bad293f65bd"
