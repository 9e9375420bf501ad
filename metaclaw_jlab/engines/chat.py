"""Prompts as tokens: a conversation through the tokenizer's chat template, or plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.engines.llama_cpp.system_message import SYSTEM_ROLES, folded, must_fold, named
from metaclaw_jlab.engines.local_models import LocalModel


def conversation(
    served: LocalModel, messages: Sequence[Mapping[str, str]], options: Mapping[str, object]
) -> tuple[int, ...]:
    """The tokens of a conversation up to where the assistant's answer begins. Raises RequestInvalid.

    Where the template drops or refuses system messages, what they say is put before the user's first.
    """
    if not getattr(served.tokenizer, "chat_template", None):
        raise RequestInvalid(
            f"The model {served.name} has no chat template.",
            "Use /v1/completions with a prompt, or serve an instruction-tuned model.",
            code="no_chat_template",
        )
    told: list[dict[str, Any]] = [dict(message) for message in messages]
    if any(message.get("role") in SYSTEM_ROLES for message in told):
        folds = _folds(served.tokenizer, str(served.tokenizer.chat_template))
        told = folded(told) if folds else named(told)
    try:
        text = served.tokenizer.apply_chat_template(
            told, add_generation_prompt=True, tokenize=False, **options
        )
    except Exception as error:
        raise RequestInvalid(
            f"The chat template of {served.name} refuses these messages: {error}",
            "Most templates want an optional system message, then user and assistant in turn.",
            param="messages",
        ) from error
    return tuple(served.encode(text, False))


@lru_cache(maxsize=8)
def _folds(tokenizer: Any, _: str) -> bool:
    """Whether the template of a tokenizer, which is the second part of the key, wants no system messages."""

    def rendered(messages: list[dict[str, Any]]) -> str | None:
        try:
            return str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))
        except Exception:  # noqa: BLE001 - a template raises what it likes
            return None

    return must_fold(rendered)


def plain(served: LocalModel, prompt: str) -> tuple[int, ...]:
    """The tokens of a text to be continued, with the special tokens that the model begins with."""
    return tuple(served.encode(prompt, True))


def fit(served: LocalModel, prompts: Sequence[Sequence[int]], max_tokens: int | None) -> int:
    """How many tokens may be answered: what is asked for, or what the context leaves. Raises RequestInvalid."""
    longest = max(map(len, prompts))
    if not min(map(len, prompts)):
        raise RequestInvalid("The prompt has no tokens.", "Send some text.", param="prompt")
    if longest >= served.context:
        raise RequestInvalid(
            f"The prompt has {longest} tokens, and the context of {served.name} holds {served.context} "
            "with the answer.",
            "Shorten the messages.",
            param="messages",
            code="context_length_exceeded",
        )
    left = served.context - longest
    return left if max_tokens is None else min(max_tokens, left)
