"""The policy of a server of this machine, which may be gone between two steps of a task: it is started again then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling


@dataclass(slots=True)
class ServedPolicy:
    """`again` starts the server where it is gone, since another notebook wanted another model for example, and gives
    the same model and version there; None where another model is wanted by now."""

    policy: Policy
    again: Callable[[], Policy | None]

    @property
    def model(self) -> str:
        """The model's name."""
        return self.policy.model

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """As Policy.complete; asked once more where nothing of an answer had come. Raises what `again` does too."""
        begun = False

        def told(piece: str) -> None:
            nonlocal begun
            begun = True
            if on_text is not None:
                on_text(piece)

        try:
            return self.policy.complete(messages, sampling, on_text=told)
        except PolicyUnavailable:
            found = None if begun else self.again()
            if found is None:
                raise
            self.policy = found
        return found.complete(messages, sampling, on_text=on_text)
