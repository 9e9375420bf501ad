"""The fast loop: pending failures become skills, and the library moves to its next generation.

One pass: adopt edits made by hand, describe the failures, let the evolver draft, screen the drafts, try their
wordings, commit generation and support in one transaction, write the working copy. A process killed anywhere leaves
the old generation with the failures pending or the new one with them consumed (invariants 2 to 4).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from metaclaw_jlab.core.errors import GenerationMoved, SkillInvalid, SkillRefused
from metaclaw_jlab.core.evolution import Draft, Evolver, Failure, FailureKind, Proposal, Source
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.replay import Replayer
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.learning.bystanders import bystanders
from metaclaw_jlab.learning.support_set import Pending, pending_failures
from metaclaw_jlab.learning.taken_out import TakenOut, taken_out, taken_out_before
from metaclaw_jlab.learning.wording import Choice, Trial, choose_wording
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.skills.masking import mask
from metaclaw_jlab.skills.retrieval import keep_varied
from metaclaw_jlab.skills.screening import screen
from metaclaw_jlab.skills.working_copy import publish, synchronise
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.support import Decision, Support
from metaclaw_jlab.store.undecided import Undecided

LEASE = "evolution"
FAILURES = 24  # most that one evolution looks at
MOST_SKILLS = 3
VARIATIONS = 2
INDEX_TEXTS = 24  # of a skill (measured on the practice world: recall@3 gains up to there)
_OWN_WORD = frozenset({FailureKind.BAD, FailureKind.REJECTED})
_COMMITS = 20  # how often a commit is worked out again because another process was faster


@dataclass(frozen=True, slots=True)
class Evolution:
    """What one pass did. `generation` is the new one, None where none was made; `refused` are sentences."""

    generation: int | None = None
    added: tuple[str, ...] = ()
    amended: tuple[str, ...] = ()
    explained: int = 0
    kept: int = 0
    undecided: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    settled: int = 0

    @property
    def idle(self) -> bool:
        """Whether nothing was there to do."""
        return self.settled == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerLoop:
    """What the fast loop works with. Without an evolver failures stay pending; without a replayer, or without
    seconds, the first wording of a skill is taken. Where it `judges`, a skill that was tried and does not help is
    not."""

    home: Home
    database: Database
    evolver: Evolver | None
    replayer: Replayer | None = None
    wording_seconds: float = 0.0
    judges: bool = False
    wait_seconds: float = 0.0
    on_notice: Callable[[str], None] = field(default=lambda _: None)
    known: tuple[str, ...] = ()  # secrets that are taken out whatever they look like
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class _Chosen:
    draft: Draft
    choice: Choice


def evolve_once(loop: InnerLoop) -> Evolution:
    """One pass over the pending failures, under the home's lease.

    Raises LeaseHeld where another process evolves, PolicyError and EvolverError where the evolver fails: the
    failures stay pending.
    """
    with lease(loop.home, LEASE, wait_seconds=loop.wait_seconds):
        if loop.evolver is None:
            return Evolution()
        waiting = pending_failures(loop.database, FAILURES, known=loop.known)
        if not waiting:
            return Evolution()
        library = synchronise(loop.home, Skills(loop.database)).skills
        proposal = loop.evolver.propose([entry.failure for entry in waiting], library)
        return _take_in(loop, proposal, waiting)


def _take_in(loop: InnerLoop, proposal: Proposal, waiting: Sequence[Pending]) -> Evolution:
    failures = {entry.failure.trajectory: entry.failure for entry in waiting}
    refused: dict[str, str] = {}
    chosen: list[_Chosen] = []
    gone = taken_out(Skills(loop.database))
    for draft in proposal.drafts[:MOST_SKILLS]:
        try:
            _refuse_taken_out(draft, gone, failures)
            chosen.append(_choose(loop, draft, failures))
        except (SkillRefused, SkillInvalid) as refusal:
            refused |= {source.trajectory: str(refusal) for source in draft.sources}
            loop.on_notice(f"MetaClaw: a skill was not taken in. {refusal}")
    evolution, consumed = _commit(loop, chosen, failures)
    left = [entry for entry in waiting if entry.failure.trajectory not in consumed]
    settled = _settle(loop, proposal, refused, left)
    return replace(
        evolution,
        explained=settled[Decision.EXPLAINED],
        kept=settled[Decision.KEPT],
        settled=sum(settled.values()) + len(consumed),
        refused=tuple(dict.fromkeys(refused.values())),
    )


def _refuse_taken_out(draft: Draft, gone: tuple[TakenOut, ...], failures: Mapping[str, Failure]) -> None:
    """A skill that the user took out comes back only at the user's own word. Raises SkillRefused."""
    kinds = {failures[source.trajectory].kind for source in draft.sources if source.trajectory in failures}
    if kinds & _OWN_WORD:
        return
    for found in filter(None, (taken_out_before(own, gone) for own in (draft, *draft.others))):
        name, number = found.skill.name, found.generation
        raise SkillRefused(
            f"Skill {name} states it, and was taken out with generation {number}.",
            f"To have it again: %metaclaw skills rollback {name} {number - 1}",
        )


def _choose(loop: InnerLoop, draft: Draft, failures: Mapping[str, Failure]) -> _Chosen:
    """The draft, or another answer to its failures, as a skill in the wording that is obeyed most.

    Raises SkillRefused where no wording may be used, and where none of them helps.
    """
    candidates = _candidates(loop, draft, failures)
    skills = [skill for skill, _ in candidates]
    sure = next((skill for skill, own in candidates if not own.doubtful), skills[0])
    if loop.replayer is None or loop.wording_seconds <= 0 or (len(skills) == 1 and not loop.judges):
        choice = Choice(sure, 0, 0)
    else:
        choice = choose_wording(
            skills,
            _trials(draft, failures),
            loop.replayer,
            seconds=loop.wording_seconds,
            clock=loop.clock,
            judged=loop.judges,
            bystanders=_bystanders(loop, sure, failures) if loop.judges else (),
            untried=sure,
        )
    if loop.judges and choice.refuted:
        raise _refuted(choice, candidates)
    return _Chosen(next(own for skill, own in candidates if skill is choice.skill), choice)


def _bystanders(loop: InnerLoop, skill: Skill, failures: Mapping[str, Failure]) -> tuple[Trial, ...]:
    return bystanders(loop.database, skill, [_masked(failure) for failure in failures.values()], failures)


def _candidates(loop: InnerLoop, draft: Draft, failures: Mapping[str, Failure]) -> list[tuple[Skill, Draft]]:
    """The skills that may answer the failures of a draft, with the draft that each is of.

    Raises SkillRefused or SkillInvalid where there are none.
    """
    found: list[tuple[Skill, Draft]] = []
    refusal: SkillRefused | SkillInvalid | None = None
    library = Skills(loop.database).members(Skills(loop.database).current_generation().number)
    for own in (draft, *draft.others):
        for body in own.wordings:
            try:
                skill = Skill(own.name, own.description, body)
                found.append((_screened(loop, skill, own, library, failures), own))
            except (SkillRefused, SkillInvalid) as error:
                refusal = refusal or error
    if not found:
        raise refusal or SkillRefused(f"Skill {draft.name!r} has no wording.", "Nothing was changed.")
    return found


def _refuted(choice: Choice, candidates: Sequence[tuple[Skill, Draft]]) -> SkillRefused:
    names = " and ".join(dict.fromkeys(skill.name for skill, _ in candidates))
    ways = "the one way" if len(candidates) == 1 else f"{len(candidates)} ways"
    again = "once" if choice.trials == 1 else f"{choice.trials} times"
    return SkillRefused(
        f"What it taught did not help: the task was done again {again} with {ways} to say it ({names}), and went no "
        "better than without, or another task that went well was spoilt.",
        "Nothing was changed; if you want it, write it by hand.",
    )


def _trials(draft: Draft, failures: Mapping[str, Failure]) -> list[Trial]:
    """The failed tasks themselves, the plainest first, then the first of them in other names."""
    sources = [source for source in draft.sources if source.trajectory in failures]
    sources.sort(key=lambda source: len(failures[source.trajectory].feedback))
    found = [_trial(draft, source, failures[source.trajectory], 0) for source in sources]
    for source in sources[:2]:
        failure = failures[source.trajectory]
        found += [_trial(draft, source, failure, variation) for variation in range(1, VARIATIONS + 1)]
    return found[: 2 * len(sources) + VARIATIONS]


def _trial(draft: Draft, source: Source, failure: Failure, variation: int) -> Trial:
    others = tuple(skill for skill in failure.skills if skill.name not in (draft.amends, draft.name))
    return Trial(failure.trajectory, others[: MOST_SKILLS - 1], failure.feedback, source.said, variation)


def _screened(
    loop: InnerLoop,
    skill: Skill,
    draft: Draft,
    library: Sequence[Skill],
    failures: Mapping[str, Failure],
) -> Skill:
    pinned = [name for name, marks in Marks(loop.database).all().items() if Mark.PINNED in marks]
    known = [failures[source.trajectory] for source in draft.sources if source.trajectory in failures]
    return screen(
        skill,
        library=library,
        said=[source.said for source in draft.sources],
        tasks=[f"{failure.task}\n{failure.code}\n{failure.instead}" for failure in known],
        amends=draft.amends,
        pinned=pinned,
        known=loop.known,
    )


def _commit(
    loop: InnerLoop, chosen: Sequence[_Chosen], failures: Mapping[str, Failure]
) -> tuple[Evolution, frozenset[str]]:
    """The generation of the chosen skills on top of whatever the library is by now, and the failures it consumed."""
    store = Skills(loop.database)
    for _ in range(_COMMITS):
        before = synchronise(loop.home, store)
        taken, members = _merged(loop, chosen, before.skills, failures)
        if not taken:
            return Evolution(), frozenset()
        lessons = [
            Lesson(skill.name, source, _masked(failures[source.trajectory]))
            for skill, one in taken
            for source in one.draft.sources
            if source.trajectory in failures
        ]
        evidence = tuple(dict.fromkeys(lesson.source.trajectory for lesson in lessons))
        try:
            made = store.commit_generation(
                Cause.EVOLVER, members, evidence, parent=before.generation.number, lessons=lessons
            )
        except GenerationMoved:
            continue
        if made.number == before.generation.number:
            return Evolution(), frozenset()
        _remember(loop, taken)
        publish(loop.home, store)
        names = {skill.name for skill in before.skills}
        evolution = Evolution(
            generation=made.number,
            added=tuple(skill.name for skill, _ in taken if skill.name not in names),
            amended=tuple(skill.name for skill, _ in taken if skill.name in names),
            undecided=tuple(skill.name for skill, one in taken if one.choice.untried),
        )
        loop.on_notice(_notice(evolution, before.generation.number))
        return evolution, frozenset(evidence)
    raise GenerationMoved("The library kept changing.", "The failures stay; %metaclaw evolve tries again.")


def _merged(
    loop: InnerLoop,
    chosen: Sequence[_Chosen],
    library: Sequence[Skill],
    failures: Mapping[str, Failure],
) -> tuple[list[tuple[Skill, _Chosen]], list[Skill]]:
    """What of the chosen may still come in, and the members of the generation with it."""
    members = {skill.name: skill for skill in library}
    taken = []
    for one in chosen:
        try:
            skill = _screened(loop, one.choice.skill, one.draft, tuple(members.values()), failures)
        except SkillRefused:
            continue
        if one.draft.amends in members and skill.name != one.draft.amends:
            del members[one.draft.amends]
        members[skill.name] = skill
        taken.append((skill, one))
    return taken, list(members.values())


def _settle(
    loop: InnerLoop, proposal: Proposal, refused: Mapping[str, str], left: Sequence[Pending]
) -> dict[Decision, int]:
    """Decide what became of the failures that no generation consumed; what nothing was said of stays pending."""
    support, counted = Support(loop.database), {Decision.EXPLAINED: 0, Decision.KEPT: 0}
    answered: dict[str, list[str]] = {}
    for source, name in proposal.explained:
        answered.setdefault(source.trajectory, []).append(name)
    for entry in left:
        failure = entry.failure
        if names := answered.get(failure.trajectory):
            decision, reason = Decision.EXPLAINED, f"Skill {names[0]} states it already."
            _index_missed(loop, failure, names)
        elif found := refused.get(failure.trajectory) or proposal.kept.get(failure.trajectory):
            decision, reason = Decision.KEPT, found
        else:
            continue
        if support.settle(failure.trajectory, decision, reason, heard=entry.heard):
            counted[decision] += 1
    return counted


def _index_missed(loop: InnerLoop, failure: Failure, names: Sequence[str]) -> None:
    """A skill that would have answered a failure and was not in its prompt is found by such tasks from now on."""
    for name in names:
        if name not in {skill.name for skill in failure.skills}:
            grow(loop.database, name, _masked(failure), failure.trajectory)


def grow(database: Database, name: str, text: str, trajectory: str) -> None:
    """Take a masked text up into a skill's entry in the index, where it adds to what is there."""
    if not text:
        return
    store = IndexTexts(database)
    before = [entry.text for entry in store.of_all().get(name, ())]
    kept = keep_varied([*before, text], INDEX_TEXTS)
    if text in kept and text not in before:
        store.add(name, text, trajectory)
    for old in before:
        if old not in kept:
            store.remove(name, old)


def _remember(loop: InnerLoop, taken: Sequence[tuple[Skill, _Chosen]]) -> None:
    """Keep the wordings that there was no time to try, and the skills that there was none to judge."""
    undecided = Undecided(loop.database)
    for skill, one in taken:
        if one.choice.untried or (loop.judges and one.choice.cut):
            undecided.put(skill.name, skill.sha256, one.choice.untried, one.draft.sources)


def _masked(failure: Failure) -> str:
    return mask(failure.task, failure.code)


def _notice(evolution: Evolution, before: int) -> str:
    told = [f"new skill {name}" for name in evolution.added]
    told += [f"skill {name} amended" for name in evolution.amended]
    show = f"%metaclaw skills show {(evolution.added or evolution.amended)[0]}"
    undo = f"%metaclaw generations rollback {before}"
    return f"MetaClaw learned: {', '.join(told)} · g{evolution.generation} · {show} · undo: {undo}"
