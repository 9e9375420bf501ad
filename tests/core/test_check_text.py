"""Checks as people write them."""

from __future__ import annotations

import pytest

from metaclaw_jlab.core.check_text import expression_check
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.task import Check, CheckKind


@pytest.mark.parametrize(
    ("text", "source", "said"),
    [
        ("total == 12", "total == 12", ""),
        (" day == '2026-03-01'  # write dates as ISO 8601", "day == '2026-03-01'", "write dates as ISO 8601"),
        ("name == 'a # b'", "name == 'a # b'", ""),
    ],
)
def test_the_comment_behind_an_expression_is_what_it_says(text: str, source: str, said: str) -> None:
    assert expression_check(text) == Check(CheckKind.EXPRESSION, source, said)


@pytest.mark.parametrize("text", ["total ==", "x = 1", "", "a\0"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(UsageMistake, match="no Python expression"):
        expression_check(text)
