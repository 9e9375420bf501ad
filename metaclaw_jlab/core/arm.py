"""What an arm of an ablation is: one configuration, told by what it does otherwise than the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from metaclaw_jlab.core.errors import UsageMistake

NAME_PATTERN = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*\Z")
BASE, SERVING = "base", "serving"
BEST = "best"


class SkillSource(StrEnum):
    """Where the skills in an arm's prompts come from."""

    NONE = "none"
    LIBRARY = "library"  # retrieved, as in a user's prompt
    RANDOM = "random"  # as many of the same library, drawn by lot
    PLACEBO = "placebo"  # of another house, as many and as long
    FEEDBACK = "feedback"  # the feedback on earlier failures as it was given, in place of skills
    GIVEN = "given"  # a practice house's, written by hand


@dataclass(frozen=True, slots=True)
class Learning:
    """What an arm learns where tasks come as a stream of days. `wrong` is the share of outcomes that are reported the
    wrong way round, `window_minutes` how long the weights may train each night (None: until they are done). Without
    `separated` what evolved the skills trains the weights too, under whatever skills it ran: in homes made for that
    alone. Without `gated` every candidate serves."""

    skills: bool = False
    weights: bool = False
    separated: bool = True
    wrong: float = 0.0
    window_minutes: float | None = None
    successes_only: bool = False
    gated: bool = True


@dataclass(frozen=True, slots=True)
class Arm:
    """One configuration. Raises UsageMistake where it is none.

    `generation` of the library, None: the current one. `adapter`: "base", "serving" or "v3". `temperature`: a number,
    None for the configured one, "best" for that which does best on validation tasks. `settings` are further changes of
    the configuration, by dotted name.
    """

    name: str
    skills: SkillSource = SkillSource.LIBRARY
    generation: int | None = None
    adapter: str = SERVING
    temperature: float | str | None = None
    learning: Learning = field(default_factory=Learning)
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if not NAME_PATTERN.match(self.name) or len(self.name) > 40:
            raise UsageMistake(
                f"{self.name!r} is no name of an arm.",
                "Use at most 40 lower-case letters, digits, dots and hyphens.",
            )
        if self.adapter not in (BASE, SERVING) and not re.fullmatch(r"v[1-9]\d*", self.adapter):
            raise UsageMistake(
                f"Arm {self.name} has the adapter {self.adapter!r}.",
                "Use base, serving, or a version such as v3.",
            )
        if isinstance(self.temperature, str) and self.temperature != BEST:
            raise UsageMistake(
                f"Arm {self.name} has the temperature {self.temperature!r}.", "Use a number, or best."
            )
        if not 0 <= self.learning.wrong <= 1:
            raise UsageMistake(
                f"Arm {self.name} reports {self.learning.wrong} of its outcomes wrongly.", "Use 0 to 1."
            )

    @property
    def version(self) -> int | None:
        """The adapter's version that is named; None where the base or what serves answers."""
        return int(self.adapter[1:]) if self.adapter not in (BASE, SERVING) else None

    @property
    def learns(self) -> bool:
        """Whether anything is learnt from a stream."""
        return self.learning.skills or self.learning.weights
