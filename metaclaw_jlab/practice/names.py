"""Fresh names for files, columns, folders and functions of a task."""

from __future__ import annotations

from random import Random
from typing import Literal

from metaclaw_jlab.practice.splits import pool
from metaclaw_jlab.practice.words import RESERVED

Style = Literal["random", "natural"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_RANDOM_SHARE = 0.25
_TRIES = 20


def random_letters(rng: Random) -> str:
    """Two to seven letters; they can only be copied, never guessed."""
    return "".join(rng.choice(_LETTERS) for _ in range(rng.randint(2, 7)))


class Names:
    """Draws names of a split, no name twice."""

    def __init__(self, rng: Random, split: str, style: Style = "random") -> None:
        self.rng = rng
        self.split = split
        self.style = style
        self._used: set[str] = set()

    def _fresh(self, kind: str) -> str:
        letters = self.style == "random" and self.split in ("train", "replay")
        choices = pool(kind if self.style == "natural" else "names", self.split)
        attempt = 0
        while True:
            name = (
                random_letters(self.rng)
                if letters and self.rng.random() < _RANDOM_SHARE
                else self.rng.choice(choices)
            )
            if attempt >= _TRIES:
                name = f"{name}{attempt}"
            if name not in self._used and name not in RESERVED:
                self._used.add(name)
                return name
            attempt += 1

    def word(self) -> str:
        """A plain lower-case word, good as a Python name."""
        return self._fresh("words")

    def column(self) -> str:
        """A column name: a word, now and then with a capital, a digit or a second word."""
        return self._decorated("columns")

    def file(self) -> str:
        """The stem of an input file."""
        return self._decorated("files")

    def _decorated(self, kind: str) -> str:
        name = self._fresh(kind)
        if self.style == "natural":
            return name
        chance = self.rng.random()
        if chance < 0.08:
            return f"{name}_{self._fresh(kind)}"
        if chance < 0.14:
            return f"{name}{self.rng.randint(1, 9)}"
        if chance < 0.20 and kind == "columns":
            return name.capitalize()
        return name
