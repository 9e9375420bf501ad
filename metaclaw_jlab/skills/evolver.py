"""Lets a model write skills from failures: one request for a batch, its reply validated, asked for once more."""

from __future__ import annotations

import re
from collections.abc import Sequence

from metaclaw_jlab.core.errors import EvolverError, PolicyRefused
from metaclaw_jlab.core.evolution import Failure, Proposal
from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.evolver_prompt import compose, correction
from metaclaw_jlab.skills.evolver_reply import RESPONSE_FORMAT, read_reply

FAILURES = 8
MAX_TOKENS = 3000
# How endpoints call what they don't know where they refuse it.
_STRUCTURE = re.compile(
    r"response_?format|json[ _]?(?:schema|mode|object)|structured|guided|grammar|schema", re.I
)


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
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._failures = failures
        self._known = tuple(known)
        self._structured = True

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        """At most 3 drafts. Raises PolicyError, and EvolverError where two replies were of no use."""
        batch = tuple(failures[: self._failures])
        if not batch:
            return Proposal()
        request = compose(batch, library, self._known)
        completion = self._ask(request.messages)
        try:
            return read_reply(completion, batch, library, request.shown)
        except EvolverError as problem:
            told = correction(completion.text, problem.cause, self._known)
        completion = self._ask((*request.messages, *told))
        try:
            return read_reply(completion, batch, library, request.shown)
        except EvolverError as problem:
            raise EvolverError(
                f"{completion.model} wrote no usable skills, asked twice. {problem.cause}",
                "The failures stay. Name a stronger model as evolver.model, or set evolver.kind to distiller.",
            ) from None

    def _ask(self, messages: tuple[Message, ...]) -> Completion:
        if self._structured:
            try:
                return self._complete(messages, {"response_format": RESPONSE_FORMAT})
            except PolicyRefused as refusal:
                if not _STRUCTURE.search(str(refusal)):
                    raise
                self._structured = False
        return self._complete(messages, {})

    def _complete(self, messages: tuple[Message, ...], extra: dict[str, object]) -> Completion:
        return self._policy.complete(messages, Sampling(self._temperature, self._max_tokens, extra=extra))
