"""Words and phrases of notebooks that mean nearly the same, a group a line in `synonyms.txt`."""

from __future__ import annotations

from pathlib import Path
from random import Random

FILE = Path(__file__).with_name("synonyms.txt")


class Synonyms:
    """Draws two phrases of one group, now and then with phrases of another group on both sides."""

    def __init__(self, path: Path = FILE) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        self.groups = tuple(tuple(word.strip() for word in line.split(",")) for line in lines if line.strip())

    def draw(self, rng: Random) -> tuple[frozenset[int], tuple[str, str]]:
        """Which groups, and two texts of them."""
        numbers = rng.sample(range(len(self.groups)), rng.choice((1, 1, 2, 3)))
        pairs = [rng.sample(self.groups[number], 2) for number in numbers]
        one, other = (" ".join(pair[side] for pair in pairs) for side in (0, 1))
        return frozenset(numbers), (one, other)
