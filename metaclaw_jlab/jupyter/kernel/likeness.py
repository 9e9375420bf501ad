"""Which proposal a cell without a mark came from, by the likeness of their code."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from metaclaw_jlab.jupyter.kernel.proposed_cell import Mark, same_code

LIKE = 0.75  # share of tokens in common, in order, from which on a cell may be an edited proposal
MARGIN = 0.15  # by which it must be more like that one than like any other
FEWEST = 8  # tokens; shorter code is like too much else, and has to be the same
MOST = 2000  # tokens that are compared
KEPT = 32
_TOKEN = re.compile(r"\w+|[^\w\s]")
_COMMENT_LINE = re.compile(r"^[ \t]*#[^\n]*$", re.MULTILINE)


class Doubt(Enum):
    """More than one proposal could be behind the cell."""

    COULD_NOT_TELL = "could not tell"


@dataclass(frozen=True, slots=True)
class _Known:
    code: str
    tokens: list[str]
    counts: Counter[str]
    waits: bool = True


class Proposals:
    """The proposals that a session knows: those that wait, and the last ones that have run."""

    def __init__(self) -> None:
        self._known: dict[Mark, _Known] = {}
        self._waiting = 0

    def __bool__(self) -> bool:
        """Whether any waits."""
        return self._waiting > 0

    def add(self, mark: Mark, code: str) -> None:
        """A proposal that waits to be run."""
        if mark not in self._known:
            tokens = tokens_of(code)
            self._known[mark] = _Known(code, tokens, Counter(tokens))
            self._waiting += 1
            while len(self._known) > KEPT:
                self._waiting -= self._known.pop(next(iter(self._known))).waits

    def settle(self, mark: Mark, ran: str | None = None) -> None:
        """Its outcome is known, or it will never have one. `ran` is what its cell holds since it was edited."""
        known = self._known.get(mark)
        if known is not None and known.waits:
            tokens = known.tokens if ran is None else tokens_of(ran)
            self._known[mark] = _Known(known.code if ran is None else ran, tokens, Counter(tokens), False)
            self._waiting -= 1

    def settle_all(self, trajectory: str) -> None:
        """No proposal of this trajectory waits any more."""
        for mark in self._known:
            if mark.trajectory == trajectory:
                self.settle(mark)

    def source_of(self, code: str, transform: Callable[[str], str]) -> Mark | Doubt | None:
        """The waiting proposal that a cell is, as it was or edited; None where it is like none of them.

        The cell may as well be one that ran before: then it is nobody's outcome.
        """
        tokens = tokens_of(code)
        counts = Counter(tokens)

        def likely(waits: bool) -> dict[Mark, _Known]:
            return {
                mark: known
                for mark, known in self._known.items()
                if known.waits is waits and _bound(known.counts, counts) >= LIKE - MARGIN
            }

        found = likely(True)
        if not found:
            return None
        found |= likely(False)
        same = [mark for mark, known in found.items() if same_code(code, known.code, transform)]
        if same:
            waiting = [mark for mark in same if self._known[mark].waits]
            if len(same) == 1:
                return waiting[0] if waiting else None
            return Doubt.COULD_NOT_TELL if waiting else None
        return self._edited(tokens, found)

    def _edited(self, tokens: list[str], found: dict[Mark, _Known]) -> Mark | Doubt | None:
        """The one that it is clearly more like than any other, those that ran included."""
        ranked = sorted(
            (
                (_likeness(known.tokens, tokens), number, mark)
                for number, (mark, known) in enumerate(found.items())
                if len(known.tokens) >= FEWEST
            ),
            reverse=True,
        )
        if not ranked or ranked[0][0] < LIKE:
            return None
        near = [mark for likeness, _, mark in ranked if likeness > ranked[0][0] - MARGIN]
        if not any(self._known[mark].waits for mark in near):
            return None
        return near[0] if len(near) == 1 else Doubt.COULD_NOT_TELL


def tokens_of(code: str) -> list[str]:
    """Names, numbers and signs of a code in their order, whole lines of comment left out."""
    return _TOKEN.findall(_COMMENT_LINE.sub("", code).replace("'", '"'))[:MOST]


def _bound(first: Counter[str], second: Counter[str]) -> float:
    """What the likeness can at most be: cheap, and enough to pass over nearly every cell."""
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def _likeness(first: list[str], second: list[str]) -> float:
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()
