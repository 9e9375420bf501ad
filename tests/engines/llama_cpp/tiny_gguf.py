"""A llama with random weights and a token a byte as a GGUF file, and adapters of it; they load in no time."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH, HEADS, KEY_HEADS, INNER, LAYERS = 32, 4, 2, 64, 2
CONTEXT = 512
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
REFUSING = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    + TEMPLATE
)
DROPPING = TEMPLATE.replace(
    "<|{{ m.role }}|>{{ m.content }}",
    "{% if m.role != 'system' %}<|{{ m.role }}|>{{ m.content }}{% endif %}",
)
ALTERNATING = TEMPLATE.replace(
    "<|{{ m.role }}|>",
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate') }}{% endif %}<|{{ m.role }}|>",
)
SPECIAL = ("<unk>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>")
LETTERS = ("\u2581", *map(chr, range(33, 127)))  # the first is how this kind of vocabulary writes a space
TOKENS = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *LETTERS]
KINDS = [
    gguf.TokenType.UNKNOWN,
    *[gguf.TokenType.CONTROL] * (len(SPECIAL) - 1),
    *[gguf.TokenType.BYTE] * 256,
    *[gguf.TokenType.NORMAL] * len(LETTERS),
]
SHAPES = {
    "attn_q": (WIDTH, WIDTH),
    "attn_k": (WIDTH * KEY_HEADS // HEADS, WIDTH),
    "attn_v": (WIDTH * KEY_HEADS // HEADS, WIDTH),
    "attn_output": (WIDTH, WIDTH),
    "ffn_gate": (INNER, WIDTH),
    "ffn_up": (INNER, WIDTH),
    "ffn_down": (WIDTH, INNER),
}


def write_model(
    path: Path, *, architecture: str = "llama", template: str | None = TEMPLATE, seed: int = 7
) -> Path:
    """A model file; (outputs, inputs) matrices in float32."""
    drawn = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types(KINDS)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    if template is not None:
        writer.add_chat_template(template)

    def matrix(name: str, shape: tuple[int, ...], strength: float = 0.4) -> None:
        writer.add_tensor(name, (drawn.standard_normal(shape) * strength).astype(np.float32))

    matrix("token_embd.weight", (len(TOKENS), WIDTH), 1.0)
    heads = drawn.standard_normal((len(TOKENS), WIDTH))
    heads[: -len(LETTERS)] = 0  # it says nothing but letters, and never ends by itself
    writer.add_tensor("output.weight", heads.astype(np.float32))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for layer in range(LAYERS):
        for name, shape in SHAPES.items():
            matrix(f"blk.{layer}.{name}.weight", shape)
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{norm}.weight", np.ones(WIDTH, np.float32))
    _write(writer)
    return path


def write_adapter(
    path: Path, *, seed: int, rank: int = 4, strength: float = 0.5, width: int | None = None
) -> Path:
    """An adapter of it, strong enough to change what it says."""
    drawn = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0 * rank)
    for layer in range(LAYERS):
        for name, (outputs, inputs) in SHAPES.items():
            for part, shape in (("lora_a", (rank, width or inputs)), ("lora_b", (outputs, rank))):
                tensor = (drawn.standard_normal(shape) * strength).astype(np.float32)
                writer.add_tensor(f"blk.{layer}.{name}.weight.{part}", tensor)
    _write(writer)
    return path


def _write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
