from dataclasses import replace
from typing import Any

import pytest

from metaclaw_jlab.agent.rollout import observe, propose, run_task
from metaclaw_jlab.core.errors import ExecutorError, PolicyMalformed, StoreBusy, StoreFull
from metaclaw_jlab.core.policy import Completion, Message, Sampling, Usage
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.task import CheckResult
from metaclaw_jlab.core.trajectory import (
    InjectedSkill,
    Observation,
    Purpose,
    Step,
    StopReason,
    Trajectory,
)
from tests.agent.scripted import (
    DATES,
    TASK,
    X_IS_ONE,
    InProcess,
    Memory,
    Scripted,
    code,
    memory,
    prompts,
    ran,
    rollout,
)


def test_a_task_is_done_in_one_step() -> None:
    trajectory = run_task(TASK, rollout(code("x = 1")))
    assert trajectory.stop is StopReason.DONE
    assert [step.action for step in trajectory.steps] == ["x = 1"]


def test_the_policy_sees_the_output_of_its_last_action() -> None:
    plan = rollout(code("x = 1\nprint(x + 41)", done=False), code("y = x"))
    assert run_task(TASK, plan).stop is StopReason.DONE
    assert prompts(plan)[1][-1].content == "<output>\n42\n</output>"


def test_an_exception_is_shown_and_the_policy_may_go_on() -> None:
    plan = rollout(code("y"), code("x = 1"))
    trajectory = run_task(TASK, plan)
    assert trajectory.stop is StopReason.DONE
    assert "NameError" in prompts(plan)[1][-1].content


def test_a_failed_check_stops_with_its_feedback() -> None:
    trajectory = run_task(replace(TASK, checks=(X_IS_ONE,)), rollout(code("x = 2")))
    assert (trajectory.stop, trajectory.stop_detail) == (StopReason.CHECK_FAILED, "x is not 1")
    assert trajectory.score == Score(-1.0, ScoreSource.OUTCOME)


def test_passed_checks_reach_the_score_of_the_last_step() -> None:
    trajectory = run_task(
        replace(TASK, checks=(X_IS_ONE,)), rollout(code("x = 0", done=False), code("x = 1"))
    )
    assert [step.scores for step in trajectory.steps] == [
        (Unscored("nothing is known"),),
        (Score(1.0, ScoreSource.OUTCOME),),
    ]
    assert all(result.passed for result in trajectory.checks)


def test_a_policy_that_never_says_done_runs_out_of_steps() -> None:
    trajectory = run_task(
        replace(TASK, checks=(X_IS_ONE,)),
        rollout(*[code(f"x = {n}", done=False) for n in (3, 2, 1)], max_steps=3),
    )
    assert trajectory.stop is StopReason.OUT_OF_STEPS
    assert trajectory.checks == (CheckResult(X_IS_ONE, True),)


def test_a_failure_at_the_last_step_is_out_of_steps() -> None:
    assert run_task(TASK, rollout(code("y"), max_steps=1)).stop is StopReason.OUT_OF_STEPS


def test_an_answer_without_code_is_no_action_and_is_kept() -> None:
    trajectory = run_task(TASK, rollout("Forty-two."))
    assert trajectory.stop is StopReason.NO_ACTION
    assert [(step.reply, step.action) for step in trajectory.steps] == [("Forty-two.", "")]


FILE = '```json\n{"x": 1}\n```'


def test_the_content_of_a_file_in_the_place_of_its_code_is_told_once() -> None:
    plan = replace(rollout(FILE, code("x = 1")), prompting=Prompting(ends="ran"))
    trajectory = run_task(TASK, plan)
    assert (trajectory.stop, ran(plan)) == (StopReason.DONE, ["x = 1"])
    (told, _) = trajectory.steps
    assert told.observation is not None
    assert told.observation.error is not None
    assert told.observation.error.name == "NoCode"


def test_the_content_of_a_file_twice_is_no_action() -> None:
    plan = replace(rollout(FILE, FILE), prompting=Prompting(ends="ran"))
    assert run_task(TASK, plan).stop is StopReason.NO_ACTION


def test_words_alone_are_an_answer_whatever_ends_a_task() -> None:
    plan = replace(rollout("Forty-two."), prompting=Prompting(ends="ran"))
    assert run_task(TASK, plan).stop is StopReason.NO_ACTION


def test_a_policy_that_says_when_it_is_done_may_answer_with_a_file() -> None:
    assert run_task(TASK, rollout(FILE)).stop is StopReason.NO_ACTION


def test_words_after_an_action_mean_done() -> None:
    assert run_task(TASK, rollout(code("x = 1", done=False), "That was all.")).stop is StopReason.DONE


def test_the_same_failing_code_twice_stops() -> None:
    plan = rollout(code("y"), code("z"), code("y"))
    trajectory = run_task(TASK, plan)
    assert trajectory.stop is StopReason.REPEATED
    assert ran(plan) == ["y", "z"]


def test_failing_code_may_come_again_after_a_success() -> None:
    plan = rollout(code("print(y)"), code("y = 1", done=False), code("print(y)"))
    assert run_task(TASK, plan).stop is StopReason.DONE


def test_code_that_the_token_limit_cut_is_not_run() -> None:
    cut = Completion("```python\nx = 1\nx = 1", "length", "scripted")
    plan = rollout(cut, code("x = 2"), sampling=Sampling(max_tokens=9))
    trajectory = run_task(TASK, plan)
    assert ran(plan) == ["x = 2"]
    assert "cut after 9 tokens" in prompts(plan)[1][-1].content
    assert trajectory.stop is StopReason.DONE


def test_an_endless_policy_stops_as_repeated() -> None:
    endless = Completion("```python\n" + "x = 1\n" * 50, "length", "scripted")
    assert run_task(TASK, rollout(endless, endless)).stop is StopReason.REPEATED


def test_a_policy_failure_ends_the_task_with_its_cause_and_keeps_what_arrived() -> None:
    plan = rollout(
        Completion("```python\nx", "partial", "s"),
        PolicyMalformed("HTML came back.", "Check it."),
        on_text=lambda text: None,
    )
    trajectory = run_task(TASK, plan)
    assert (trajectory.stop, trajectory.stop_detail) == (
        StopReason.POLICY_FAILED,
        "HTML came back. Check it.",
    )
    assert trajectory.steps[0].reply == "```python\nx"
    assert isinstance(trajectory.score, Unscored)


def test_an_executor_failure_ends_the_task_and_keeps_the_proposal() -> None:
    plan = rollout(code("x = 1"), executor=InProcess(broken=ExecutorError("The sandbox died.")))
    trajectory = run_task(TASK, plan)
    assert trajectory.stop is StopReason.EXECUTOR_FAILED
    assert trajectory.steps[0].action == "x = 1"


@pytest.mark.parametrize("during", ["policy", "executor"])
def test_ctrl_c_closes_the_trajectory_as_cancelled_and_is_raised(during: str) -> None:
    ended: list[Trajectory] = []
    replies = [KeyboardInterrupt()] if during == "policy" else [code("x = 1")]
    broken = KeyboardInterrupt() if during == "executor" else None
    plan = rollout(*replies, executor=InProcess(broken=broken), on_end=ended.append)
    with pytest.raises(KeyboardInterrupt):
        run_task(TASK, plan)
    assert [trajectory.stop for trajectory in ended] == [StopReason.CANCELLED]
    assert memory(plan).calls[-1][1] is StopReason.CANCELLED


def test_an_unforeseen_exception_closes_the_trajectory_too() -> None:
    def broken_display(text: str) -> None:
        raise RuntimeError("no display")

    plan = rollout(code("x = 1"), on_text=broken_display)
    with pytest.raises(RuntimeError):
        run_task(TASK, plan)
    assert memory(plan).calls[-1][1] is StopReason.INTERRUPTED


def test_the_recorder_hears_begin_before_the_first_prompt() -> None:
    plan = rollout(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_task(TASK, plan)
    assert memory(plan).names == ["begin", "close"]
    begun = memory(plan).calls[0][1]
    assert begun.steps == ()
    assert begun.stop is None


def test_what_is_recorded_is_what_is_returned() -> None:
    plan = rollout(code("y"), code("x = 1"))
    trajectory = run_task(TASK, plan)
    assert memory(plan).names == ["begin", "append", "append", "close"]
    assert tuple(call[1] for call in memory(plan).calls[1:3]) == trajectory.steps
    assert memory(plan).calls[3][2]["score"] == trajectory.score


def test_a_full_store_costs_the_record_and_not_the_result() -> None:
    warnings: list[str] = []
    errors: list[Exception] = [StoreFull("The disk is full.", "Free some.") for _ in range(9)]
    plan = rollout(code("x = 1"), recorder=Memory(errors), on_warning=warnings.append)
    assert run_task(TASK, plan).stop is StopReason.DONE
    assert warnings == ["This task is not recorded. The disk is full. Free some."]


def test_a_store_that_was_busy_gets_everything_later_in_order() -> None:
    plan = rollout(code("y"), code("x = 1"), recorder=Memory([StoreBusy("Busy.")]))
    run_task(TASK, plan)
    assert memory(plan).names == ["begin", "append", "append", "close"]


def test_the_stamp_says_what_the_task_ran_under() -> None:
    plan = rollout(
        code("x = 1"),
        retrieve=lambda task: (Match(DATES, 2.5),),
        generation=7,
        sampling=Sampling(seed=3),
        purpose=Purpose.BENCHMARK,
        policy=Scripted(iter([code("x = 1")]), model="base@v12"),
    )
    trajectory = run_task(TASK, plan)
    stamp = trajectory.stamp
    assert stamp.skills == (InjectedSkill("iso-dates", DATES.sha256, 2.5),)
    assert (stamp.skill_generation, stamp.model, stamp.adapter, stamp.seed) == (7, "base@v12", 12, 3)
    assert trajectory.purpose is Purpose.BENCHMARK
    assert DATES.body in prompts(plan)[0][0].content


def test_a_name_that_only_looks_like_an_adapter_is_none() -> None:
    plan = rollout(policy=Scripted(iter([code("x = 1")]), model="base@v1-chat"))
    assert run_task(TASK, plan).stamp.adapter is None


def test_a_step_keeps_its_prompt_its_usage_and_its_time() -> None:
    reply = Completion(code("x = 1"), "stop", "scripted", Usage(10, 5), 0.5)
    plan = rollout(reply)
    step = run_task(TASK, plan).steps[0]
    assert (step.messages, step.usage, step.policy_seconds) == (prompts(plan)[0], Usage(10, 5), 0.5)


def test_seconds_are_counted_over_proposal_and_observation() -> None:
    ticks = iter([0.0, 2.0, 100.0, 103.0])
    plan = rollout(code("x = 1"), clock=lambda: next(ticks))
    assert observe(propose(TASK, plan), Observation(), plan).seconds == 5.0


def test_a_recorder_without_proposals_gets_the_step_when_it_was_run() -> None:
    class Plain:
        def __init__(self) -> None:
            self.steps: list[Step] = []

        def begin(self, trajectory: Trajectory) -> None:
            pass

        def append(self, trajectory_id: str, step: Step) -> None:
            self.steps.append(step)

        def close(self, trajectory_id: str, stop: StopReason, **rest: Any) -> None:
            pass

    plain = Plain()
    plan = rollout(code("x = 1"), recorder=plain)
    trajectory = propose(TASK, plan)
    assert plain.steps == []
    assert observe(trajectory, Observation(), plan).steps == tuple(plain.steps)


def test_a_long_conversation_is_kept_within_its_limit() -> None:
    replies = [code(f"print('a{n}' * 4000)", done=False) for n in range(5)]
    plan = rollout(*replies, context_chars=12_000, max_steps=5)
    run_task(TASK, plan)
    assert max(sum(len(message.content) for message in prompt) for prompt in prompts(plan)) <= 12_000


def test_listeners_hear_text_proposal_and_step_in_order() -> None:
    heard: list[str] = []
    plan = rollout(
        code("x = 1"),
        on_begin=lambda trajectory: heard.append("begin"),
        on_text=lambda text: heard.append("text"),
        on_proposal=lambda step: heard.append(f"proposal {step.observation}"),
        on_step=lambda step: heard.append(f"step {step.observation is not None}"),
        on_end=lambda trajectory: heard.append("end"),
    )
    run_task(TASK, plan)
    assert heard == ["begin", "text", "proposal None", "step True", "end"]


def test_nothing_is_streamed_where_nobody_listens() -> None:
    class NeverStreams(Scripted):
        def complete(
            self, messages: tuple[Message, ...], sampling: Sampling, *, on_text: Any = None
        ) -> Completion:
            assert on_text is None
            return Completion(code("x = 1"), "stop", "scripted")

    assert run_task(TASK, rollout(policy=NeverStreams(iter([])))).stop is StopReason.DONE


def test_a_task_may_end_when_its_code_has_run() -> None:
    plan = replace(rollout(code("x = 1", done=False)), prompting=Prompting(ends="ran"))
    trajectory = run_task(TASK, plan)
    assert (trajectory.stop, len(trajectory.steps)) == (StopReason.DONE, 1)


def test_code_that_failed_is_mended_where_a_task_ends_with_what_ran() -> None:
    plan = replace(rollout(code("y", done=False), code("x = 1", done=False)), prompting=Prompting(ends="ran"))
    trajectory = run_task(TASK, plan)
    assert (trajectory.stop, len(trajectory.steps)) == (StopReason.DONE, 2)


def test_a_prompt_is_built_as_the_policy_is_prompted() -> None:
    plan = replace(
        rollout(code("x = 1")),
        prompting=Prompting("brief", "task"),
        retrieve=lambda _: (Match(DATES, 1.0),),
    )
    run_task(TASK, plan)
    assert prompts(plan)[0][-1].content.endswith("</skills>")


def test_an_observed_step_may_end_its_task() -> None:
    plan = replace(rollout(code("x = 1", done=False)), prompting=Prompting(ends="ran"))
    assert observe(propose(TASK, plan), Observation(), plan).stop is StopReason.DONE
