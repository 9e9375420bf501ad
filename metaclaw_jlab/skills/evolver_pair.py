"""Two evolvers for the same failures: what a model writes, and what the distiller reads, each to be tried."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.evolution import Draft, Evolver, Failure, Proposal, Source
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.evolver_reply import MOST_SKILLS

logger = logging.getLogger(__name__)

# A pretrained model takes wordings of one sense much alike, and each costs it seconds to try.
WORDINGS = 3


@dataclass(frozen=True, slots=True)
class EvolverPair:
    """Implements core.evolution.Evolver. The model's drafts go first; the distiller's for the same sentences are their
    others. Where the model fails, the distiller's are all there is."""

    model: Evolver
    distiller: Evolver

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        """At most 3 drafts."""
        read = self.distiller.propose(failures, library)
        read = replace(read, drafts=tuple(_shortened(draft) for draft in read.drafts))
        asked = _asked(failures, read)
        if not asked:
            return read
        try:
            told = self.model.propose(asked, library)
        except MetaclawError as error:
            logger.warning("The model that writes skills failed, the distiller writes alone: %s", error)
            return read
        drafts = _merged(told.drafts, read.drafts)
        covered = {source.trajectory for draft in drafts for source in draft.sources}
        stated = tuple(entry for entry in told.explained if entry[0].trajectory not in covered)
        explained = tuple(dict.fromkeys((*read.explained, *stated)))
        covered |= {source.trajectory for source, _ in explained}
        kept = {trajectory: reason for trajectory, reason in told.kept.items() if trajectory not in covered}
        return Proposal(drafts[:MOST_SKILLS], explained, kept)


def _shortened(draft: Draft) -> Draft:
    return replace(draft, wordings=draft.wordings[:WORDINGS])


def _asked(failures: Sequence[Failure], read: Proposal) -> list[Failure]:
    """What the model is asked about: a failure of each of the distiller's drafts, then those that it cannot read.

    What a skill states already is not, and what the distiller put off waits for it.
    """
    order = [*(draft.sources[0].trajectory for draft in read.drafts), *read.kept]
    by_id = {failure.trajectory: failure for failure in failures}
    return [by_id[trajectory] for trajectory in dict.fromkeys(order) if trajectory in by_id]


def _merged(written: Sequence[Draft], read: Sequence[Draft]) -> tuple[Draft, ...]:
    """One draft for each rule: the model's, with the distiller's among its others; then what one of them has alone."""
    left = list(written)
    found: list[Draft] = []
    for draft in read:
        own = [other for other in left if _same(other, draft)]
        left = [other for other in left if other not in own]
        found.append(_together((*own, draft)))
    return (*found, *left)


def _together(drafts: Sequence[Draft]) -> Draft:
    sources = tuple(dict.fromkeys(source for draft in drafts for source in draft.sources))
    amends = next((draft.amends for draft in reversed(drafts) if draft.amends), None)
    alike = [replace(draft, sources=sources, amends=amends) for draft in drafts]
    return replace(alike[0], others=tuple(alike[1:]))


def _same(one: Draft, other: Draft) -> bool:
    """Whether two drafts answer one sentence about one failure."""
    return any(_about_one(mine, theirs) for mine, theirs in _pairs(one.sources, other.sources))


def _about_one(one: Source, other: Source) -> bool:
    a, b = one.said.casefold().rstrip("."), other.said.casefold().rstrip(".")
    return one.trajectory == other.trajectory and (a in b or b in a)


def _pairs(one: Iterable[Source], other: Sequence[Source]) -> Iterable[tuple[Source, Source]]:
    return ((mine, theirs) for mine in one for theirs in other)
