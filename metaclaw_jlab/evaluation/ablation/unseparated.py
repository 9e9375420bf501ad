"""Support and query mixed, as the separation of the two is there to prevent: to see what that is worth."""

from __future__ import annotations

from dataclasses import replace

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.trajectory import Purpose, Role, new_trajectory_id
from metaclaw_jlab.evaluation.ablation.seals import require_marker
from metaclaw_jlab.learning.collecting import MOST_ATTEMPTS
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.support import Decision, Support

COPIED = "A copy that trains, where support and query are not kept apart."


def copy_older(workspace: Workspace) -> int:
    """Have everything of older generations train, what evolved the skills included, with its prompts as they were sent
    then, instead of having its tasks attempted again under the current skills; how many there were.

    A query set is of the current generation, and support never trains (invariant 2): copies do, recorded under a new id
    and the current generation. The skills in their prompts are left out of their stamps, lest they be counted as used
    again. Raises AblationError in a home that is not there for evaluation.
    """
    require_marker(workspace.home, "training on support")
    database, store = workspace.database(), workspace.trajectories()
    query, starts, support = Query(database), StartStates(database), Support(database)
    generation, share = (
        workspace.synchronised().generation.number,
        workspace.settings().training.held_out_share,
    )
    admitted = 0
    for older in query.older(MOST_ATTEMPTS):
        known, start = store.get(older), starts.get(older)
        if start is None:
            continue
        copy = replace(
            known,
            id=new_trajectory_id(),
            stamp=replace(known.stamp, skill_generation=generation, skills=()),
            purpose=Purpose.RETRY,
            role=Role.NEITHER,
        )
        store.record(copy)
        starts.keep(copy.id, start)
        support.settle(copy.id, Decision.KEPT, COPIED)
        admitted += store.admit(copy.id, held_out_share=share)
    return admitted
