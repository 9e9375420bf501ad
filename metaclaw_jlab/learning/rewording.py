"""Tries what there was no time for: amends a skill where another wording proves better, and takes one out that was
never judged and does not help."""

from __future__ import annotations

from metaclaw_jlab.core.errors import GenerationMoved, NotFound, SkillRefused
from metaclaw_jlab.core.evolution import Failure
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.learning.bystanders import bystanders
from metaclaw_jlab.learning.inner_loop import InnerLoop
from metaclaw_jlab.learning.support_set import describe, injected
from metaclaw_jlab.learning.wording import Trial, choose_wording, worded
from metaclaw_jlab.skills.screening import screen
from metaclaw_jlab.skills.working_copy import publish, synchronise
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.undecided import Undecided, UndecidedWordings


def reword(loop: InnerLoop) -> tuple[str, ...]:
    """Decide the undecided wordings, as far as the budget goes; the names of the skills that were amended or taken out.

    A skill that was changed or pinned since keeps its text.
    """
    if loop.replayer is None or loop.wording_seconds <= 0:
        return ()
    changed = []
    for entry in Undecided(loop.database).take():
        skill = _unchanged(loop, entry)
        if skill is None:
            Undecided(loop.database).drop(entry.name)
            continue
        candidates = _allowed(loop, skill, entry)
        choice = choose_wording(
            candidates,
            _trials(loop, entry),
            loop.replayer,
            seconds=loop.wording_seconds,
            clock=loop.clock,
            judged=loop.judges,
            bystanders=_bystanders(loop, skill, entry) if loop.judges else (),
        )
        if choice.untried and choice.untried == tuple(candidate.body for candidate in candidates[1:]):
            continue  # nothing could be tried this time either
        Undecided(loop.database).drop(entry.name)
        if loop.judges and choice.refuted:
            done = _commit(loop, skill.name, None, f"took skill {skill.name} out: tried, it did not help")
        else:
            said = f"worded skill {skill.name} better"
            done = choice.skill.body != skill.body and _commit(loop, skill.name, choice.skill, said)
        if done:
            changed.append(entry.name)
    return tuple(changed)


def _unchanged(loop: InnerLoop, entry: UndecidedWordings) -> Skill | None:
    store = Skills(loop.database)
    if Mark.PINNED in Marks(loop.database).all().get(entry.name, ()):
        return None
    if dict(store.current_generation().members).get(entry.name) != entry.sha256:
        return None
    return store.get_skill(entry.sha256)


def _allowed(loop: InnerLoop, skill: Skill, entry: UndecidedWordings) -> list[Skill]:
    """The skill as it is, and the wordings that may replace it."""
    library = Skills(loop.database).members(Skills(loop.database).current_generation().number)
    found = [skill]
    for candidate in worded(skill, entry.wordings):
        try:
            said = [source.said for source in entry.sources]
            found.append(
                screen(
                    candidate,
                    library=library,
                    said=said,
                    tasks=_texts(loop, entry),
                    amends=skill.name,
                    known=loop.known,
                )
            )
        except SkillRefused:
            continue
    return found


def _failures(loop: InnerLoop, entry: UndecidedWordings) -> list[Failure]:
    trajectories, feedbacks, skills = (
        Trajectories(loop.database),
        Feedbacks(loop.database),
        Skills(loop.database),
    )
    found = []
    for source in entry.sources:
        try:
            trajectory = trajectories.get(source.trajectory)
        except NotFound:
            continue
        found.append(
            describe(trajectory, feedbacks.of(trajectory.id), injected(trajectory, skills), known=loop.known)
        )
    return found


def _texts(loop: InnerLoop, entry: UndecidedWordings) -> list[str]:
    return [f"{failure.task}\n{failure.code}\n{failure.instead}" for failure in _failures(loop, entry)]


def _trials(loop: InnerLoop, entry: UndecidedWordings) -> list[Trial]:
    said = {source.trajectory: source.said for source in entry.sources}
    return [
        Trial(
            failure.trajectory,
            tuple(skill for skill in failure.skills if skill.name != entry.name)[:2],
            failure.feedback,
            said[failure.trajectory],
            variation,
        )
        for variation in range(3)
        for failure in _failures(loop, entry)
    ]


def _bystanders(loop: InnerLoop, skill: Skill, entry: UndecidedWordings) -> tuple[Trial, ...]:
    known = [text.text for text in IndexTexts(loop.database).of_all().get(skill.name, ())]
    return bystanders(loop.database, skill, known, [source.trajectory for source in entry.sources])


def _commit(loop: InnerLoop, name: str, skill: Skill | None, said: str) -> bool:
    """Have this skill in the place of the one of that name, or none; whether a generation came of it."""
    store = Skills(loop.database)
    before = synchronise(loop.home, store)
    placed = [skill if member.name == name else member for member in before.skills]
    members = [member for member in placed if member is not None]
    try:
        made = store.commit_generation(Cause.EVOLVER, members, parent=before.generation.number)
    except GenerationMoved:
        return False
    if made.number == before.generation.number:
        return False
    publish(loop.home, store)
    undo = f"%metaclaw generations rollback {before.generation.number}"
    loop.on_notice(f"MetaClaw {said} · g{made.number} · undo: {undo}")
    return True
