"""Lets a small model write skills: one complaint a request, a short prompt, and what it writes is screened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.adapter import answering
from metaclaw_jlab.core.errors import EvolverError
from metaclaw_jlab.core.evolution import Draft, Failure, FailureKind, Proposal, Source
from metaclaw_jlab.core.policy import Completion, Policy
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.distiller.readings import about_one_task
from metaclaw_jlab.skills.distiller.situation import situation_of, use_when
from metaclaw_jlab.skills.evolver_reply import MOST_SKILLS, slug, unique
from metaclaw_jlab.skills.rule_screening import names_in, objection
from metaclaw_jlab.skills.similarity import duplicated
from metaclaw_jlab.skills.small_evolver_prompt import RESPONSE_FORMAT, RULE_CHARS, compose, written
from metaclaw_jlab.skills.structured import Structured

MAX_TOKENS = 160
REQUESTS = 4  # most in one proposal; each takes seconds on a small machine
_RAISED = "The code raised an exception, from which a small model makes no rule."
_WORDLESS = "Nothing was said about what was wrong."
_OF_ONE_TASK = "The feedback tells what this one task should have given, no rule for others."


@dataclass(frozen=True, slots=True)
class _Complaint:
    """One sentence, and the failures about which it was said."""

    said: str
    failures: tuple[Failure, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(Source(failure.trajectory, self.said) for failure in self.failures)


class SmallModelEvolver:
    """Implements core.evolution.Evolver with a model that is often wrong: its drafts are doubtful.

    `open_policy` gives the policy whenever it is asked. `known` are secrets as for `redact`. Complaints beyond the
    first `requests` are neither in the proposal nor kept, to be asked again.
    """

    def __init__(
        self, open_policy: Callable[[], Policy], *, requests: int = REQUESTS, known: Sequence[str] = ()
    ) -> None:
        self._open_policy = open_policy
        self._requests = requests
        self._known = tuple(known)
        self._structured = Structured(RESPONSE_FORMAT, temperature=0.0, max_tokens=MAX_TOKENS)

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        """At most 3 drafts. Raises PolicyError."""
        complaints, reasons = _complaints(failures)
        drafts: list[Draft] = []
        explained: list[tuple[Source, str]] = []
        asked = complaints[: self._requests]
        policy = self._open_policy() if asked else None
        for complaint in asked:
            if policy is None or len(drafts) == MOST_SKILLS:
                break
            completion = self._structured.ask(
                policy, compose(complaint.failures[0].task, complaint.said, self._known)
            )
            try:
                draft = _draft(completion, complaint, {draft.name for draft in drafts})
            except EvolverError as error:
                for failure in complaint.failures:
                    reasons.setdefault(failure.trajectory, error.cause)
                continue
            stated = duplicated(Skill(draft.name, draft.description, draft.wordings[0]), tuple(library))
            if stated is None:
                drafts.append(draft)
            else:
                explained += [(source, stated) for source in complaint.sources]
        answered = {source.trajectory for draft in drafts for source in draft.sources}
        answered |= {source.trajectory for source, _ in explained}
        kept = {trajectory: reason for trajectory, reason in reasons.items() if trajectory not in answered}
        return Proposal(tuple(drafts), tuple(explained), kept)


def _complaints(failures: Sequence[Failure]) -> tuple[list[_Complaint], dict[str, str]]:
    """The different sentences that were said, in their order, and why there is none for the other failures."""
    groups: dict[str, tuple[str, list[Failure]]] = {}
    reasons: dict[str, str] = {}
    for failure in failures:
        if failure.kind is FailureKind.EXCEPTION:
            reasons[failure.trajectory] = _RAISED
            continue
        said = [part.strip() for text in failure.feedback for part in text.split("; ") if part.strip()]
        general = [part for part in said if not about_one_task(part)]
        if not general:
            reasons[failure.trajectory] = _OF_ONE_TASK if said else _WORDLESS
        for part in dict.fromkeys(general):
            groups.setdefault(part.casefold().rstrip("."), (part, []))[1].append(failure)
    return [_Complaint(said, tuple(found)) for said, found in groups.values()], reasons


def _draft(completion: Completion, complaint: _Complaint, taken: set[str]) -> Draft:
    """The draft in a reply. Raises EvolverError where it is of no use."""
    model, _ = answering(completion.model)
    found = None if completion.finish_reason == "length" else written(completion.text)
    if found is None:
        raise EvolverError(f"{model} wrote no rule for it.")
    when, rule, name = found
    problem = "runs on" if len(rule) >= RULE_CHARS else objection(rule, complaint.said, complaint.failures)
    if problem is not None:
        raise EvolverError(f"The rule that {model} wrote {problem}: “{rule[:80]}”.")
    if names_in(when, complaint.said, complaint.failures) or not when.lower().startswith("use when "):
        when = use_when(situation_of(complaint.failures))
    body = rule if rule.endswith((".", "!", "?")) else f"{rule}."
    return Draft(unique(slug(name or rule[:40]), taken), when, (body,), complaint.sources, doubtful=True)
