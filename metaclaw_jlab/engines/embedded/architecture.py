"""The embedded model's architecture: Qwen3, made very small, so that any Hugging Face tool loads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase, Qwen3Config, Qwen3ForCausalLM


@dataclass(frozen=True, slots=True)
class Size:
    """The dimensions of the model; the defaults give about a million parameters."""

    width: int = 128
    layers: int = 4
    heads: int = 4
    head_width: int = 32
    feed_forward: int = 384
    positions: int = 2048


def make_config(tokenizer: PreTrainedTokenizerBase, size: Size) -> Any:
    """A Qwen3Config with tied embeddings for this tokenizer."""
    return Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        head_dim=size.head_width,
        intermediate_size=size.feed_forward,
        max_position_embeddings=size.positions,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def make_model(tokenizer: PreTrainedTokenizerBase, size: Size) -> Any:
    """A Qwen3ForCausalLM with fresh weights, drawn from torch's global generator."""
    model = Qwen3ForCausalLM(make_config(tokenizer, size))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model
