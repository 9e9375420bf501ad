"""Lets a model write skills from failures: one request for a batch, its reply validated, asked for once more."""

from __future__ import annotations

from collections.abc import Sequence

from metaclaw_jlab.core.errors import EvolverError
from metaclaw_jlab.core.evolution import Failure, Proposal
from metaclaw_jlab.core.policy import Policy
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.evolver_prompt import compose, correction
from metaclaw_jlab.skills.evolver_reply import RESPONSE_FORMAT, read_reply
from metaclaw_jlab.skills.structured import Structured

FAILURES = 8
MAX_TOKENS = 3000


class ModelEvolver:
    """Asks a policy for skills. A batch is the first `failures` of those given; the others are not in the proposal.

    Every failure of the batch is answered: by a draft, as explained, or as kept. Only what would have been a fourth
    draft is left out, to be asked again. `known` are secrets as for `redact`.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        temperature: float = 0.0,
        max_tokens: int = MAX_TOKENS,
        failures: int = FAILURES,
        known: Sequence[str] = (),
    ) -> None:
        self._policy = policy
        self._structured = Structured(RESPONSE_FORMAT, temperature=temperature, max_tokens=max_tokens)
        self._failures = failures
        self._known = tuple(known)

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        """At most 3 drafts. Raises PolicyError, and EvolverError where two replies were of no use."""
        batch = tuple(failures[: self._failures])
        if not batch:
            return Proposal()
        request = compose(batch, library, self._known)
        completion = self._structured.ask(self._policy, request.messages)
        try:
            return read_reply(completion, batch, library, request.shown)
        except EvolverError as problem:
            told = correction(completion.text, problem.cause, self._known)
        completion = self._structured.ask(self._policy, (*request.messages, *told))
        try:
            return read_reply(completion, batch, library, request.shown)
        except EvolverError as problem:
            raise EvolverError(
                f"{completion.model} wrote no usable skills, asked twice. {problem.cause}",
                "The failures stay. Name a stronger model as evolver.model, or set evolver.kind to distiller.",
            ) from None
