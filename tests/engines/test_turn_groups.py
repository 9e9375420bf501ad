"""Groups of replies to other agents: nothing is run, and a judge decides on the reply alone."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

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
