"""The embedded model's tokenizer.

Letters, digits, punctuation and blanks never merge with each other, so that a name reads the same wherever it
stands and can be copied. Fragments that repeat word for word (prompt delimiters, code idioms) are one token each.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
_SPECIAL = (PAD, END, SYSTEM, USER, ASSISTANT)

# The instructions before <skills> are written for large models; this one never saw them in training.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}"
    "{%- if '<skills>' in message['content'] -%}"
    "{{- '<|system|><skills>' + message['content'].split('<skills>', 1)[1] + '<|end|>' -}}"
    "{%- endif -%}"
    "{%- elif message['role'] == 'assistant' -%}"
    "{{- '<|assistant|>' -}}{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- '<|user|>' + message['content'] + '<|end|>' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)

_LETTERS_AND_REST = r"[A-Za-z]+|[0-9]|\n *| +|[^A-Za-z0-9\n ]"
_PIECES = re.compile(_LETTERS_AND_REST)
_MESSAGES = re.compile(r"<\|(system|user|assistant)\|>(.*?)<\|end\|>", re.DOTALL)
_WORDS = re.compile(r"[A-Za-z]+")
_QUOTED = re.compile(r"'[^'\n]*'")
_FIRST_SYMBOL = 0xE000  # private-use code points stand for whole pieces while fragments are looked for
_SYMBOLS = 6000
_FEW = 4


def make_tokenizer(
    texts: Sequence[str],
    *,
    delimiters: Sequence[str] = (),
    vocabulary: int = 1024,
    fragments: int = 320,
    context: int = 2048,
) -> PreTrainedTokenizerBase:
    """A tokenizer for conversations like these, rendered by `CHAT_TEMPLATE`.

    `vocabulary` entries are learned; `fragments` of replies and the `delimiters` of prompts are fixed ones.
    """
    messages = [message for text in texts for message in _MESSAGES.findall(text)]
    replies = [text for role, text in messages if role == "assistant"]
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_pattern(plain_words(texts))), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    core.train_from_iterator([text for _, text in messages], trainer)
    fixed = dict.fromkeys([*delimiters, *frequent_fragments(replies, fragments)])
    core.add_tokens([AddedToken(text, normalized=False, special=False) for text in fixed])
    return _wrapped(core, context)


def spell_out_unwritten(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> PreTrainedTokenizerBase:
    """The tokenizer without letter pieces that replies to these texts never use: names get spelt with others.

    Such pieces are by-products of longer ones. A model was never taught to write them, and fails on new names that
    hold one. Whole words of prompts keep their entry, and every id keeps its meaning.
    """
    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    told, written = _uses(tokenizer, texts)
    pieces = {text: number for text, number in spec["model"]["vocab"].items() if _WORDS.fullmatch(text)}
    unwritten = {text for text, number in pieces.items() if len(text) > 1 and written[number] < _FEW}
    unused = {text for text in unwritten if told[pieces[text]] < _FEW}
    spec["model"]["merges"] = [
        [first, second]
        for first, second in spec["model"]["merges"]
        if not unwritten & {first, second, first + second}
    ]
    spec["model"]["ignore_merges"] = True
    spec["model"]["vocab"] = {
        (f"<|unused-{number}|>" if text in unused else text): number
        for text, number in spec["model"]["vocab"].items()
    }
    return _wrapped(Tokenizer.from_str(json.dumps(spec)), tokenizer.model_max_length)


def _uses(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> tuple[Counter[int], Counter[int]]:
    """How often each token stands in prompts and in replies."""
    told: Counter[int] = Counter()
    written: Counter[int] = Counter()
    for text in texts:
        for role, said in _MESSAGES.findall(text):
            ids: list[int] = tokenizer(said, add_special_tokens=False)["input_ids"]
            (written if role == "assistant" else told).update(ids)
    return told, written


def _wrapped(core: Tokenizer, context: int) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        padding_side="left",
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def plain_words(texts: Sequence[str], *, min_share: float = 0.002, max_copied: float = 0.02) -> list[str]:
    """Words of prompts that replies don't quote, so no names or values: these may merge with the blank before them."""
    seen: Counter[str] = Counter()
    copied: Counter[str] = Counter()
    for text in texts:
        messages = _MESSAGES.findall(text)
        prompt = {word for role, said in messages if role != "assistant" for word in _WORDS.findall(said)}
        code = " ".join(said for role, said in messages if role == "assistant")
        seen.update(prompt)
        copied.update(prompt & set(_WORDS.findall(" ".join(_QUOTED.findall(code)))))
    return sorted(
        word
        for word, times in seen.items()
        if times >= max(2, min_share * len(texts)) and copied[word] <= max_copied * times
    )


def _pattern(words: Sequence[str]) -> str:
    blank_and_word = [rf" (?:{'|'.join(words)})(?![\w.])"] if words else []
    return "|".join([*blank_and_word, _LETTERS_AND_REST])


def frequent_fragments(texts: Sequence[str], count: int, *, min_share: float = 0.004) -> list[str]:
    """The fragments of several pieces that save the most tokens; none begins or ends inside a word or
    number, or takes the blank before a word."""
    alphabet = _common_pieces(texts, min_share)
    lines = [_as_symbols(text, alphabet) for text in texts]
    pieces = {symbol: piece for piece, symbol in alphabet.items()}
    finder = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + 8 * count,
        min_frequency=max(2, int(min_share * len(texts))),
        show_progress=False,
    )
    finder.pre_tokenizer = pre_tokenizers.Split(" ", behavior="removed")
    finder.train_from_iterator(lines, trainer)
    found = ("".join(pieces[symbol] for symbol in token) for token in finder.get_vocab() if len(token) > 1)
    candidates = sorted(fragment for fragment in found if _stands_alone(fragment))
    return _most_saving(texts, candidates, count)


def _common_pieces(texts: Iterable[str], min_share: float) -> dict[str, str]:
    seen: Counter[str] = Counter()
    total = 0
    for text in texts:
        seen.update(set(_PIECES.findall(text)))
        total += 1
    common = [
        piece
        for piece, times in sorted(seen.items(), key=lambda item: (-item[1], item[0]))
        if times >= max(2, min_share * total) and not piece.isdigit() and piece.isascii()
    ]
    return {piece: chr(_FIRST_SYMBOL + rank) for rank, piece in enumerate(common[:_SYMBOLS])}


def _as_symbols(text: str, alphabet: dict[str, str]) -> str:
    """One character a piece; what is rare (names, numbers) becomes a blank, which nothing merges across."""
    return "".join(alphabet.get(piece, " ") for piece in _PIECES.findall(text))


def _stands_alone(fragment: str) -> bool:
    first, last = fragment[0], fragment[-1]
    return not (first.isalnum() or last.isalnum() or last == " ") and len(_PIECES.findall(fragment)) > 1


def _most_saving(texts: Sequence[str], candidates: list[str], count: int) -> list[str]:
    """Keep what is used when matched longest first, as the tokenizer does; twice, since dropping one frees another."""
    for keep in (2 * count, count):
        matcher = re.compile("|".join(re.escape(text) for text in sorted(candidates, key=len, reverse=True)))
        saved: Counter[str] = Counter()
        for text in texts:
            for fragment in matcher.findall(text):
                saved[fragment] += len(_PIECES.findall(fragment)) - 1
        candidates = [fragment for fragment, _ in saved.most_common(keep)] if candidates else []
    return sorted(candidates)
