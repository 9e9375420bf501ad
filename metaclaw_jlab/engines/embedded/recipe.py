"""How the embedded model is made: every number that the build depends on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from metaclaw_jlab.engines.embedded.architecture import Size


@dataclass(frozen=True, slots=True)
class Recipe:
    """A build ends at `tokens` training tokens, or sooner at `seconds` of training.

    `habit_share` of the compound demonstrations drop a rule that they were given. The first `early_samples` have
    fewer compounds, since single tasks teach the rules faster. Each of `workers` processes takes `batch_size`
    samples a step.
    """

    seed: int = 1
    size: Size = field(default_factory=Size)
    vocabulary: int = 1280
    fragments: int = 384
    tokens: int = 20_000_000
    seconds: float = 1560.0
    workers: int = 2
    batch_size: int = 16
    matrix_rate: float = 0.02
    other_rate: float = 3e-3
    prompt_weight: float = 0.05
    habit_share: float = 0.65
    compounds: float = 0.5
    early_compounds: float = 0.2
    early_samples: int = 60_000
    warm_up_steps: int = 100
    steady_share: float = 0.4
    final_rate: float = 0.02

    def rate(self, step: int, progress: float) -> float:
        """Factor of the learning rates: warm up, stay, then fall in a line to `final_rate`; `progress` in [0, 1]."""
        warm = min(1.0, (step + 1) / self.warm_up_steps)
        fall = max(0.0, (progress - self.steady_share) / (1 - self.steady_share))
        return warm * (1 - fall * (1 - self.final_rate))

    def compound_share(self, sample: int) -> float:
        """The share of compounds among the samples from this number on."""
        return self.early_compounds if sample < self.early_samples else self.compounds

    def to_dict(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return asdict(self)
