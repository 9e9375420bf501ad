"""A tokenizer made once from a few hundred demonstrations."""

from __future__ import annotations

from random import Random

import pytest
from transformers import PreTrainedTokenizerBase

from metaclaw_jlab.engines.embedded.samples import delimiters, draw_texts
from metaclaw_jlab.engines.embedded.tokenizer import make_tokenizer


@pytest.fixture(scope="session")
def training_texts() -> list[str]:
    """Training texts, rendered by the chat template."""
    blank = make_tokenizer([], vocabulary=0, fragments=0)
    return draw_texts(blank, Random(3), 600, habit_share=0.65, compound_share=0.5)


@pytest.fixture(scope="session")
def tokenizer(training_texts: list[str]) -> PreTrainedTokenizerBase:
    """A small tokenizer of the embedded model's kind."""
    return make_tokenizer(training_texts, delimiters=delimiters(), vocabulary=700, fragments=120)
