"""A check as people write it: an expression, with what it says where it fails in a comment behind it."""

from __future__ import annotations

import io
import tokenize

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.task import Check, CheckKind


def expression_check(text: str) -> Check:
    """The check of `day == '2026-03-01'  # write dates as ISO 8601`. Raises UsageMistake where it is no expression."""
    try:
        compile(text.strip(), "<check>", "eval")
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageMistake(
            f"{text!r} is no Python expression ({reason}).", "Write what must be true: df.shape[1] == 3."
        ) from None
    tokens = list(tokenize.generate_tokens(io.StringIO(text.strip()).readline))
    said = " ".join(token.string.lstrip("# ").rstrip() for token in tokens if token.type == tokenize.COMMENT)
    return Check(CheckKind.EXPRESSION, _without_comments(text.strip(), tokens), said.strip())


def _without_comments(text: str, tokens: list[tokenize.TokenInfo]) -> str:
    lines = text.split("\n")
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines).strip()
