"""A policy that gives the replies of a script, in order: for tests and demonstrations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.core.policy import Completion, Message, Sampling, Usage


class ScriptedPolicy:
    """Gives each reply once, or raises it where it is an exception. `requests` and `samplings` hold what it was sent.

    An `on_text` gets the reply line by line. Tokens are counted as words.
    """

    def __init__(self, replies: Sequence[str | Completion | Exception], model: str = "scripted") -> None:
        self.model = model
        self.requests: list[tuple[Message, ...]] = []
        self.samplings: list[Sampling] = []
        self._replies = tuple(replies)
        self._lock = threading.Lock()

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """The next reply. Raises PolicyUnavailable where none is left."""
        with self._lock:
            position = len(self.requests)
            self.requests.append(messages)
            self.samplings.append(sampling)
        if position >= len(self._replies):
            raise PolicyUnavailable(
                f"The script has {len(self._replies)} replies and was asked for one more.",
                "Add a reply to it.",
            )
        reply = self._replies[position]
        if isinstance(reply, Exception):
            raise reply
        completion = self._completion(messages, reply)
        if on_text:
            for line in completion.text.splitlines(keepends=True):
                on_text(line)
        return completion

    def _completion(self, messages: tuple[Message, ...], reply: str | Completion) -> Completion:
        if isinstance(reply, Completion):
            return reply
        words = sum(len(message.content.split()) for message in messages)
        return Completion(reply, "stop", self.model, Usage(words, len(reply.split())))
