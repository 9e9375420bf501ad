"""Models of Qwen3's architecture with random weights, whose tokens are lines of code: what is sampled runs, mostly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

FENCES = 20  # one token in so many opens a code block, and one closes it


@dataclass(frozen=True)
class Shape:
    """A model of Qwen3's architecture, and the texts that it is trained on."""

    hidden: int
    feed_forward: int
    layers: int
    heads: int
    key_heads: int
    head: int
    vocabulary: int
    prompt: int
    completion: int
    group: int
    prompts: int
    steps: int


SHAPES = {
    "qwen3-0.6b": Shape(1024, 3072, 28, 16, 8, 128, 151_936, 2048, 128, 8, 4, 4),
    "small": Shape(128, 384, 4, 4, 2, 32, 4096, 256, 32, 8, 2, 4),
}


def save_model(folder: Path, shape: Shape) -> None:
    """Random weights, and a tokenizer whose tokens are lines of code: what is sampled runs, now and then."""
    import torch
    import transformers as t
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = {line(number): number for number in range(shape.vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=line(1)))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\n", "merged_with_previous")
    tokenizer.decoder = decoders.Fuse()
    last = shape.vocabulary - 1
    fast = t.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=line(last), pad_token=line(last))
    fast.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    config = t.Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        head_dim=shape.head,
        max_position_embeddings=max(4096, 2 * (shape.prompt + shape.completion)),
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=last,
        pad_token_id=last,
    )
    t.Qwen3ForCausalLM(config).to(
        torch.bfloat16 if torch.cuda.is_available() else torch.float32
    ).save_pretrained(folder)


def line(number: int) -> str:
    """What a token says: an assignment, or the opening or end of a code block."""
    if number % FENCES == 0:
        return f"\n```python {number}\n"
    return f"```\n# {number}\n" if number % FENCES == FENCES // 2 else f"x{number} = {number}\n"


def texts(shape: Shape) -> list[str]:
    """A prompt for each place of each step, of exactly the wanted length."""
    rng = Random(7)
    plain = [number for number in range(1, shape.vocabulary - 1) if number % (FENCES // 2)]
    return [
        "".join(line(number) for number in rng.choices(plain, k=shape.prompt))
        for _ in range(shape.prompts * shape.steps)
    ]
