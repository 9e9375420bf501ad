"""Whether the configured judge may be trained on, from what its last trial showed. Nothing is asked of it."""

from __future__ import annotations

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.inspection.finding import Finding, fail, ok, warn
from metaclaw_jlab.reward_models.judge import refuse_same_model
from metaclaw_jlab.store.judging import JudgeTest, Judging

NAME = "judge"


def judge(workspace: Workspace) -> Finding:
    """The finding about the judge. Raises ConfigError, StoreError."""
    settings = workspace.settings()
    policy = settings.policy.model if settings.policy.base_url else settings.policy.local_model
    if settings.judge.base_url and settings.judge.model and policy:
        refuse_same_model(settings.judge.model, policy, allowed=settings.judge.same_model)
    latest = Judging(workspace.database()).latest(settings.judge.model) if settings.judge.base_url else None
    return judge_finding(settings, latest)


def judge_finding(settings: Settings, latest: JudgeTest | None) -> Finding:
    """What the settings and the last trial of this judge amount to."""
    if settings.judge.base_url is None:
        asked = {
            "training.judged": settings.training.judged,
            "proxy.train_judged": settings.proxy.train_judged,
        }
        wanted = [name for name, on in asked.items() if on]
        if wanted:
            return fail(
                NAME,
                "Training on judged rewards is on, but there is no judge.",
                f"Set judge.base_url and judge.model, or {' and '.join(wanted)} to false.",
                f"metaclaw config set {wanted[0]} false",
            )
        return ok(NAME, "There is no judge: tasks without checks are not trained on.")
    name = settings.judge.model or settings.judge.base_url
    if latest is None:
        return ok(NAME, f"{name} has not been tried yet; every training tries it before it trusts it.")
    if not latest.usable:
        return warn(
            NAME,
            f"Its scores are not used for training. {latest.reason}",
            "Name a stronger model as judge.model; the next training tries it again.",
            "metaclaw config set judge.model NAME",
        )
    if not settings.training.judged:
        return ok(NAME, f"{latest.reason} It scores steps; training.judged would let it train too.")
    return ok(NAME, f"{latest.reason} Tasks without checks are trained on its votes.")
