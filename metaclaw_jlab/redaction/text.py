"""Secrets and personal data out of a text, each replaced by a word in brackets that says what was there.

What a stranger could use is meant, not every unusual string: hashes, UUIDs, dates, numbers and file names stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from metaclaw_jlab.redaction import assignments, credentials, personal, randomness
from metaclaw_jlab.redaction.pattern import KINDS, placeholder

SHORTEST_KNOWN = 4
_MORE_PASSES = 8
_PATTERNS = (*credentials.PATTERNS, *assignments.PATTERNS, *randomness.PATTERNS, *personal.PATTERNS)
_PLACEHOLDERS = "|".join(re.escape(placeholder(kind)) for kind in KINDS)
_HAS_PLACEHOLDER = re.compile(_PLACEHOLDERS)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what was found in it. `found` are the kinds, sorted, each once."""

    text: str
    found: tuple[str, ...] = ()


def redact(text: str, known: Sequence[str] = ()) -> Redacted:
    """The text without secrets and personal data; time grows with its length, and doing it twice changes nothing.

    `known` are secrets that no pattern tells, such as the values of key variables, of at least 4 characters.
    """
    found: set[str] = set()
    exact = _exact(known)
    if exact is not None:
        text = exact.sub(lambda match: _known(match, found), text)
    text = _once(text, found)
    # What stood against a finding may show only now; lines without one are through.
    for _ in range(_MORE_PASSES if found else 0):
        lines = text.split("\n")
        changed = [_again(line, exact, found) if _HAS_PLACEHOLDER.search(line) else line for line in lines]
        if changed == lines:
            break
        text = "\n".join(changed)
    return Redacted(text, tuple(sorted(found)))


def _again(line: str, exact: re.Pattern[str] | None, found: set[str]) -> str:
    if exact is not None:
        line = exact.sub(lambda match: _known(match, found), line)
    return _once(line, found)


def _once(text: str, found: set[str]) -> str:
    lowered = _lower(text)
    for pattern in _PATTERNS:
        changed = pattern.apply(text, lowered)
        if changed != text:
            found.add(pattern.kind)
            text, lowered = changed, _lower(changed)
    return text


def _lower(text: str) -> str:
    """In lower case and as long as before, which str.lower() alone is not for every letter."""
    lowered = text.lower()
    return (
        lowered
        if len(lowered) == len(text)
        else text.encode(errors="surrogatepass").lower().decode(errors="surrogatepass")
    )


def _exact(known: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern of the known secrets as they are, in a URL and in a string literal; the longest first."""
    forms = {
        form
        for secret in known
        if len(secret) >= SHORTEST_KNOWN
        for form in (secret, quote(secret, safe=""), secret.encode("unicode_escape").decode())
    }
    if not forms:
        return None
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(f"{_PLACEHOLDERS}|({'|'.join(map(re.escape, longest_first))})")


def _known(match: re.Match[str], found: set[str]) -> str:
    if match[1] is None:
        return match[0]
    found.add("secret")
    return placeholder("secret")
