"""What an ablation has used of its budget, counted as attempts come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from metaclaw_jlab.core.ablation import Attempt, Budget


@dataclass
class Meter:
    """Counts tokens and what they cost."""

    budget: Budget
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def count(self, attempts: Iterable[Attempt]) -> None:
        """Add what these attempts used."""
        for attempt in attempts:
            self.prompt_tokens += attempt.prompt_tokens
            self.completion_tokens += attempt.completion_tokens

    @property
    def tokens(self) -> int:
        """Of prompts and completions."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def cost(self) -> float:
        """In the currency of the prices."""
        return self.budget.cost(self.prompt_tokens, self.completion_tokens)

    def spent(self, seconds: float) -> str | None:
        """Why no more may be used after so many seconds; None while there is something left."""
        budget = self.budget
        if budget.tokens is not None and self.tokens >= budget.tokens:
            return f"Its budget of {budget.tokens:,} tokens is spent ({self.tokens:,} were used)."
        if budget.money is not None and self.cost >= budget.money:
            return f"Its budget of {budget.money:g} is spent ({self.cost:.4g} was)."
        if budget.seconds is not None and seconds >= budget.seconds:
            return f"Its budget of {budget.seconds / 60:g} minutes is spent."
        return None
