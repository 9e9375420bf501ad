"""Text of a completion as its tokens arrive: incremental detokenisation and stop strings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

REPLACEMENT = "\ufffd"  # what a decoder puts where the bytes of a character are not all there


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A sampled token with its log-probability (natural, at temperature 1) and the likeliest alternatives.

    `offset` is where its text starts in the completion, in characters.
    """

    token: int
    logprob: float
    alternatives: tuple[tuple[int, float], ...] = ()
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Released:
    """What may be sent: it is part of the answer whatever comes next."""

    text: str = ""
    scores: tuple[TokenScore, ...] = ()


class TextStream:
    """Turns tokens into text piece by piece; the pieces joined are the text of all tokens, up to a stop string.

    A piece never ends inside a character, nor inside what may become a stop string. `context` is the end of the
    prompt where the answer goes on in the same text: some decoders drop the blank before a first word.
    """

    def __init__(
        self, decode: Callable[[Sequence[int]], str], stop: Sequence[str] = (), context: Sequence[int] = ()
    ) -> None:
        self._decode = decode
        self._stop = tuple(stop)
        self._ids = list(context)
        self._shown = 0  # tokens before this one are only there to decode the later ones in context
        self._read = len(self._ids)  # tokens before this one have been turned into text
        self._shown_text = decode(self._ids) if self._ids else ""
        self._held = ""  # decoded, but perhaps the beginning of a stop string
        self._decoded = 0  # characters decoded so far
        self._scores: list[TokenScore] = []
        self.stopped = False

    def push(self, token: int, score: TokenScore | None = None) -> Released:
        """Take the next token and give what has become certain."""
        self._ids.append(token)
        if score is not None:
            self._scores.append(
                TokenScore(score.token, score.logprob, score.alternatives, offset=self._decoded)
            )
        text = self._decode(self._ids[self._shown :])
        if text.endswith(REPLACEMENT):
            return Released()
        return self._release(self._advance(text), final=False)

    def finish(self) -> Released:
        """Give what was held back; there are no more tokens."""
        if self.stopped:
            return Released()
        return self._release(self._advance(self._decode(self._ids[self._shown :])), final=True)

    def _advance(self, text: str) -> str:
        fresh = text[len(self._shown_text) :]
        if self._read < len(self._ids):
            self._shown, self._read = self._read, len(self._ids)
            self._shown_text = self._decode(self._ids[self._shown :])
        self._decoded += len(fresh)
        return fresh

    def _release(self, fresh: str, *, final: bool) -> Released:
        held = self._held + fresh
        if not self._stop:
            return self._cut(held, len(held), final)
        found = [at for at in (held.find(stop) for stop in self._stop) if at >= 0]
        if found:
            self.stopped = True
            return self._cut(held, min(found), final=False)
        return self._cut(held, len(held) if final else len(held) - self._doubtful(held), final)

    def _doubtful(self, text: str) -> int:
        """Length of the longest end of `text` with which a stop string begins."""
        longest = min(len(text), max(map(len, self._stop)) - 1)
        for length in range(longest, 0, -1):
            end = text[-length:]
            if any(stop.startswith(end) for stop in self._stop):
                return length
        return 0

    def _cut(self, held: str, length: int, final: bool) -> Released:
        text, self._held = held[:length], held[length:]
        if not self._scores:
            return Released(text)
        sent = self._decoded - len(self._held)
        ready = tuple(score for score in self._scores if final or score.offset < sent)
        self._scores = self._scores[len(ready) :]
        return Released(text, ready)
