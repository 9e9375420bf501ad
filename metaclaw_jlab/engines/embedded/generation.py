"""Completions of many conversations at once, for measuring a local model without a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from metaclaw_jlab.core.policy import Message

_BATCH = 64
_NEW_TOKENS = 160


@dataclass(frozen=True, slots=True)
class Generator:
    """A model and its tokenizer."""

    model: Any
    tokenizer: Any

    def complete(
        self,
        conversations: Sequence[Sequence[Message]],
        temperature: float,
        on_done: Callable[[int], None] = lambda _count: None,
    ) -> list[str]:
        """One completion each, in order; the most likely one at temperature 0."""
        prompts = [self._prompt(conversation) for conversation in conversations]
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        replies = [""] * len(prompts)
        for first in range(0, len(order), _BATCH):
            chosen = order[first : first + _BATCH]
            for index, reply in zip(
                chosen, self._batch([prompts[i] for i in chosen], temperature), strict=True
            ):
                replies[index] = reply
            on_done(len(chosen))
        return replies

    def _prompt(self, conversation: Sequence[Message]) -> str:
        plain = [{"role": message.role, "content": message.content} for message in conversation]
        return str(self.tokenizer.apply_chat_template(plain, add_generation_prompt=True, tokenize=False))

    def _batch(self, prompts: Sequence[str], temperature: float) -> list[str]:
        encoded = self.tokenizer(
            list(prompts), add_special_tokens=False, return_tensors="pt", padding=True, padding_side="left"
        )
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=encoded["input_ids"],
                attention_mask=encoded["attention_mask"],
                max_new_tokens=_NEW_TOKENS,
                **(sampling if temperature > 0 else {"do_sample": False}),
            )
        fresh = output[:, encoded["input_ids"].shape[1] :]
        replies: list[str] = self.tokenizer.batch_decode(fresh, skip_special_tokens=True)
        return replies


def load(folder: Path) -> Generator:
    """The model and tokenizer in a folder."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    return Generator(model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True))
