"""A judge made of its settings, and what its votes make of groups whose tasks have no checks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from metaclaw_jlab.agent.group_rollout import Answered
from metaclaw_jlab.agent.prompt import skills_told
from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.score import Score, Scoring, Unscored
from metaclaw_jlab.core.training import TrainingPrompt
from metaclaw_jlab.policies.voting import VotingEndpoint
from metaclaw_jlab.reward_models.credit import judged_outcome, process_reward
from metaclaw_jlab.reward_models.judge import Judge, configured_judge
from metaclaw_jlab.reward_models.judge_prompt import Case, case_of
from metaclaw_jlab.reward_models.outcome import trajectory_score
from metaclaw_jlab.settings.secrets import key_for


def open_judge(settings: JudgeSettings, policy_model: str, secret_names: Iterable[str] = ()) -> Judge | None:
    """The judge of these settings, None where they name none; it never sees its key, nor those in these variables.

    Raises ConfigError where it would be the policy, SecretError, PolicyError.
    """
    if settings.base_url is None:
        return None
    key = key_for(settings.base_url, settings.key_env)
    votes = VotingEndpoint(
        settings.base_url, settings.model, key, temperature=settings.temperature, timeout=settings.timeout
    )
    known = {os.environ.get(name, "") for name in secret_names} | {key.reveal() if key else ""}
    return configured_judge(settings, votes, policy_model=policy_model, known=sorted(known - {""}))


def judged_groups(
    prompts: Sequence[TrainingPrompt],
    groups: Sequence[Sequence[Answered]],
    judge: Judge,
    *,
    steps: bool = True,
    check: Callable[[], None] = lambda: None,
) -> list[list[Answered]]:
    """The groups, those of tasks without checks with the judge's votes; of any other task it sees nothing.

    It is asked about the last step, and about the completion's own one (where `steps`), but not where code raised,
    which is -1 anyhow. Raises what `check` raises, as Judge.score_all does.
    """
    cases: dict[tuple[int, int], Case] = {}
    for prompt, answers in zip(prompts, groups, strict=True):
        if not prompt.checked:
            skills = skills_told(prompt.messages)
            for answer in answers:
                cases |= {
                    (id(answer), place): case_of(answer.trajectory, place, skills)
                    for place in _open_questions(prompt, answer, steps)
                    if answer.trajectory is not None
                }
    votes = dict(zip(cases, judge.score_all(list(cases.values()), check=check), strict=True))
    return [
        list(answers) if prompt.checked else [_with_votes(prompt, answer, votes) for answer in answers]
        for prompt, answers in zip(prompts, groups, strict=True)
    ]


def _open_questions(prompt: TrainingPrompt, answer: Answered, steps: bool) -> tuple[int, ...]:
    """The places of the steps that only a judge can score."""
    if answer.trajectory is None or answer.step is None or isinstance(process_reward(answer.step), Score):
        return ()
    if isinstance(trajectory_score(answer.trajectory.steps, ()), Score):
        return ()
    last = len(answer.trajectory.steps) - 1
    return (prompt.step, last) if steps and prompt.step < last else (last,)


def _with_votes(
    prompt: TrainingPrompt, answer: Answered, votes: Mapping[tuple[int, int], Scoring]
) -> Answered:
    if answer.trajectory is None or answer.step is None:
        return answer
    raised = process_reward(answer.step)
    if isinstance(raised, Score):
        return replace(answer, outcome=raised)
    ran = answer.trajectory.steps
    vote = votes.get((id(answer), len(ran) - 1), Unscored("The judge was not asked."))
    own = votes.get((id(answer), prompt.step))
    step = answer.step if own is None else replace(answer.step, scores=(*answer.step.scores, own))
    return replace(answer, outcome=judged_outcome(trajectory_score(ran, ()), vote), step=step)
