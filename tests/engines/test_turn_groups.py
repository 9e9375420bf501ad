"""Groups of replies to other agents: nothing is run, and a judge decides on the reply alone."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from metaclaw_jlab.agent.group_rollout import GroupRollout, start_groups
from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.executor import Executor
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.core.score import Unscored
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.engines.judging import judged_groups, open_judge
from metaclaw_jlab.reward_models.credit import group_rewards
from metaclaw_jlab.reward_models.judge_prompt import TURN_RUBRIC
from metaclaw_jlab.runtime.training_folder import read_job, write_job
from metaclaw_jlab.store.prompts import write_prompts
from tests.engines.toy_training import STEPS, prepared, prompt, run_to_end, save_model, weights
from tests.reward_models.ballots import JudgeServer, element

PROMPT = TrainingPrompt(
    "t1", PromptKind.TURN, Task("How long?"), (Message("user", "How long?"),), StartState()
)


class NoRooms:
    """Nothing may be run."""

    def open(self, start: StartState, task: Task) -> Executor:
        raise AssertionError(task)

    def isolated(self) -> bool:
        return False


def never(_: Sequence[object]) -> list[Completion]:
    raise AssertionError("Nobody goes on after a reply.")


def test_a_judge_decides_on_the_replies_and_nothing_is_run() -> None:
    server = JudgeServer(lambda shown: 1 if "7 m" in element("said", shown) else -1)
    judge = open_judge(JudgeSettings(base_url=server.base_url, model="judge", votes=1), "policy")
    assert judge is not None
    texts = ["7 m", "```python\nimport os\n```", "7 m"]
    with ThreadPoolExecutor(3) as threads:
        how = GroupRollout(
            model="toy",
            generate=never,
            rooms=NoRooms(),
            sampling=Sampling(),
            max_steps=4,
            threads=threads,
        )
        completions = [[Completion(text, "stop", "toy") for text in texts]]
        (answers,) = start_groups([PROMPT], completions, [[1, 2, 3]], how).wait()
    assert all(isinstance(one.outcome, Unscored) for one in answers)
    (judged,) = judged_groups([PROMPT], [answers], judge)
    server.close()
    assert group_rewards(judged, process_weight=0.25, judged=True).rewards == (1.0, -1.0, 1.0)
    assert {request.messages[0]["content"] for request in server.requests} == {TURN_RUBRIC}
    assert all("(It called no tool.)" in request.messages[1]["content"] for request in server.requests)


def test_a_worker_trains_on_turns_by_votes_alone(tmp_path: Path) -> None:
    toy = prepared(tmp_path / "home", save_model(tmp_path / "model"), replay_share=0.0, beta=0.01)
    server = JudgeServer(lambda shown: 1 if "a" in element("said", shown) else -1)
    turns = [
        replace(one, kind=PromptKind.TURN, task=Task(one.task.text))
        for one in (prompt(number, id=id_) for number, id_ in enumerate(toy.ids))
    ]
    write_prompts(toy.folder.query, turns)
    told = {"base_url": server.base_url, "model": "judge", "votes": 1, "max_calls": 1000}
    write_job(toy.folder, replace(read_job(toy.folder), judge=told))
    events = run_to_end(toy)
    server.close()
    assert events[-1]["ending"] == "done"
    assert {request.messages[0]["content"] for request in server.chats} == {TURN_RUBRIC}
    steps = [event for event in events if event["event"] == "step"]
    assert len(steps) == STEPS
    assert all(step["query_reward"] is not None and not step["mismatched"] for step in steps)
    assert any(abs(tensor).max() > 0 for name, tensor in weights(toy).items() if "lora_B" in name)
