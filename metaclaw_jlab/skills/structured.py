"""Asks a policy for JSON of a schema, and for plain text where its endpoint does not hold answers to one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from metaclaw_jlab.core.errors import PolicyRefused
from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling

# How endpoints call what they don't know where they refuse it.
_STRUCTURE = re.compile(
    r"response_?format|json[ _]?(?:schema|mode|object)|structured|guided|grammar|schema", re.I
)


class Structured:
    """`form` is the `response_format` of an OpenAI-compatible endpoint; where it was refused it is not sent again."""

    def __init__(self, form: Mapping[str, object], *, temperature: float, max_tokens: int) -> None:
        self._form = form
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._known = True

    def ask(self, policy: Policy, messages: tuple[Message, ...]) -> Completion:
        """One completion. Raises PolicyError."""
        if self._known:
            try:
                return self._complete(policy, messages, {"response_format": self._form})
            except PolicyRefused as refusal:
                if not _STRUCTURE.search(str(refusal)):
                    raise
                self._known = False
        return self._complete(policy, messages, {})

    def _complete(
        self, policy: Policy, messages: tuple[Message, ...], extra: Mapping[str, object]
    ) -> Completion:
        return policy.complete(messages, Sampling(self._temperature, self._max_tokens, extra=extra))
