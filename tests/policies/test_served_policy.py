from __future__ import annotations

from collections.abc import Callable

import pytest

from metaclaw_jlab.core.errors import PolicyError, PolicyRefused, PolicyUnavailable
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.policies.served_policy import ServedPolicy

ASKED = (Message("user", "hello"),)


class Answering:
    """Says its pieces, and then answers or fails."""

    model = "m@v1"

    def __init__(self, *pieces: str, error: PolicyError | None = None) -> None:
        self.pieces, self.error, self.asked = pieces, error, 0

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self.asked += 1
        for piece in self.pieces:
            if on_text is not None:
                on_text(piece)
        if self.error is not None:
            raise self.error
        return Completion("".join(self.pieces), "stop", self.model)


def gone(*pieces: str) -> Answering:
    return Answering(*pieces, error=PolicyUnavailable("It is gone."))


def test_a_server_that_is_gone_is_started_again_and_asked_from_then_on() -> None:
    before, after, text = gone(), Answering("a", "b"), list[str]()
    policy = ServedPolicy(before, lambda: after)
    assert policy.complete(ASKED, Sampling(), on_text=text.append).text == "ab"
    assert policy.complete(ASKED, Sampling()).text == "ab"
    assert (text, before.asked, after.asked) == (["a", "b"], 1, 2)


@pytest.mark.parametrize("failing", [gone("half an"), Answering(error=PolicyRefused("It says no.")), gone()])
def test_otherwise_the_error_is_told(failing: Answering) -> None:
    started: list[bool] = []

    def again() -> None:
        started.append(True)

    with pytest.raises(PolicyError):
        ServedPolicy(failing, again).complete(ASKED, Sampling())
    assert bool(started) == (failing.pieces == () and isinstance(failing.error, PolicyUnavailable))
