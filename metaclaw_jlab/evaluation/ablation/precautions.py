"""Whether model-written code may run unattended here, for every arm of a plan."""

from __future__ import annotations

from metaclaw_jlab.assembly import Workspace, uses_embedded_policy
from metaclaw_jlab.core.ablation import AblationPlan
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.evaluation.ablation.plans import settings_of
from metaclaw_jlab.executors import bubblewrap


def check_rooms(plan: AblationPlan, workspace: Workspace) -> tuple[str, ...]:
    """What is to be noted of the sandboxes. Raises AblationError where nothing isolates what a model writes, and the
    user has not accepted that; the embedded model, which knows nothing but practice tasks, needs no leave."""
    open_arms = []
    for arm in plan.arms:
        settings = workspace.configuration(settings_of(plan, arm)).settings
        if _isolated(settings):
            continue
        if not (settings.sandbox.unattended or uses_embedded_policy(settings)):
            raise AblationError(
                f"Nothing isolates model-written code in arm {arm.name}, so none runs unattended.",
                "Install bubblewrap, or accept it: metaclaw config set sandbox.unattended true.",
            )
        open_arms.append(arm.name)
    if not open_arms:
        return ()
    return (f"Nothing isolated the code that the model wrote ({', '.join(open_arms)}).",)


def _isolated(settings: Settings) -> bool:
    return settings.sandbox.isolation != "none" and bubblewrap.probe() is not None
