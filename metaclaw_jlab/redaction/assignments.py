"""Secrets that are told by the name they are given: `password=…`, `"api_key": "…"`, `--token …`."""

from __future__ import annotations

import re

from metaclaw_jlab.redaction.pattern import Pattern

# What a name ends with when its value is a secret, and when it only may be one.
_STRONG = (
    "password passwd passwort passphrase pwd passcode sshpass secret credentials? "
    "api[_-]?key access[_-]?key secret[_-]?key private[_-]?key account[_-]?key shared[_-]?access[_-]?key "
    "encryption[_-]?key signing[_-]?key auth[_-]?key subscription[_-]?key client[_-]?secret app[_-]?secret"
)
_WEAK = "token auth pass sig signature bearer session[_-]?id otp"
_HINTS = ("pass", "pwd", "secret", "credential", "key", "token", "auth", "sig", "bearer", "session", "otp")
_NAMES = f"{_STRONG} {_WEAK}".replace(" ", "|")
_WEAK_NAME = re.compile(rf"(?i)(?:{_WEAK.replace(' ', '|')})\Z")
_SECRET_NAME = re.compile(rf"(?i)(?:.*[^a-z0-9])?(?:{_NAMES})\Z")

_HEAD = (
    rf"(?:(?<![A-Za-z0-9])|(?<=[a-z0-9])(?=[A-Z]))(?P<name>(?i:{_NAMES}))"
    r"(?:\\?[\"']\]?)?[ \t]{0,8}(?::[ \t]{0,4}[A-Za-z][\w.|\[\] ]{0,30}?(?==))?"
)
_SIGN = r"(?P<sign>(?::=|=>|={1,3}|:)[ \t]{0,8})"

# In code and JSON: a string literal, to its end.
_QUOTED = re.compile(
    rf"{_HEAD}{_SIGN}[fbruFBRU]{{0,2}}"
    r"(?:\"(?P<double>(?:[^\"\\\n]|\\.)++)\"|'(?P<single>(?:[^'\\\n]|\\.)++)'|\\[\"'](?P<escaped>[^\"'\\\n]++)\\[\"'])"
)
# In a shell, an address, a connection string or prose: to a blank or a sign that ends it.
_BARE = re.compile(
    rf"{_HEAD}(?:{_SIGN}|(?P<prose>[ \t]{{1,4}}(?:is|was)[ \t]{{1,4}}))"
    r"(?P<value>[^\s\"'`,;&()\[\]{}<>|]{3,}+)(?P<after>[(\[{]?)"
)
_LINE = re.compile(
    r"(?m)^[ \t]{0,16}(?:(?:export|set|ENV)[ \t]{1,4})?(?P<name>[A-Z][A-Z0-9_]{2,80}+)="
    r"(?P<value>[^\s\"'\[=][^\n]*)$"
)
_OPTION = re.compile(
    rf"(?<![\w-])--?(?:[A-Za-z0-9]+-){{0,4}}(?P<name>(?i:{_NAMES}))[ =]{{1,4}}"
    r"[\"']?(?P<value>[^\s\"'`\[\]<>${(=-][^\s\"'`\[\]<>]{2,}+)"
)
_CURL_USER = re.compile(
    r"(?:(?<=[ \t])-u|--user)[ =]{0,2}[\"']?[^\s:\"'\[\]]{1,80}:(?P<value>[^\s\"'\[\]]{1,200}+)"
)
_TUPLE = re.compile(
    r"(?i:auth)\w{0,12}[ \t]{0,4}[=(][ \t]{0,4}\(?[ \t]{0,4}([\"'])[^\"'\n]{1,80}\1[ \t]{0,4},[ \t]{0,4}"
    r"([\"'])(?P<value>[^\"'\n\[\]]{1,200}+)\2"
)

_STAND_IN = re.compile(r"[\[<{$%].*|[*x.•·_-]+|(?i:your|my)[_ -].*|[A-Z]{2,}(?:_[A-Z]+)+|\.{3}.*", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z_]+\Z")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z")
_FILE = re.compile(r".*\.(?:pem|json|txt|key|env|toml|ya?ml|crt|pub|ini|cfg|csv|py)\Z", re.I)
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]|\$")
_WORDS = (
    "none true false null str bytes string int bool float any optional self undefined nil required missing "
    "must should never always with from this that what where which"
)
_WORDS_OF_CODE = frozenset(_WORDS.split())


def _is_quoted_secret(match: re.Match[str]) -> bool:
    value = match["double"] or match["single"] or match["escaped"] or ""
    if _STAND_IN.fullmatch(value.strip()) or not value.strip():
        return False
    if match["sign"].startswith(":") and value[0] in "),]} ":
        return False  # what stands between two literals: getpass("Password: ") + "…"
    return not _WEAK_NAME.match(match["name"]) or _may_be_token(value)


def _is_bare_secret(match: re.Match[str]) -> bool:
    name, value = match["name"], match["value"].rstrip(".:")
    if match["after"] or len(value) < 3 or _STAND_IN.fullmatch(value) or _FILE.match(value):
        return False
    if value.lower() in _WORDS_OF_CODE or _SECRET_NAME.match(value):
        return False
    if _WEAK_NAME.match(name):
        return _may_be_token(value) and not _DOTTED.match(value)
    if match["prose"]:
        return not _PLAIN.match(value)
    return _is_setting(match) or match["sign"].startswith(":") or not _is_expression(value)


def _is_setting(match: re.Match[str]) -> bool:
    """Whether it is written as in a file of settings or an address, where a value is never a variable."""
    if match["sign"] != "=":
        return False
    before = match.string[match.start() - 1 : match.start()]
    return match["name"].isupper() or before in ("?", "&", ";")


def _is_expression(value: str) -> bool:
    return bool(_PLAIN.match(value) or _DOTTED.match(value))


def _is_line_secret(match: re.Match[str]) -> bool:
    value = match["value"]
    return (
        bool(_SECRET_NAME.match(match["name"]))
        and not _CALL.match(value)
        and not _STAND_IN.fullmatch(value)
        and not _FILE.match(value)
        and value.lower() not in _WORDS_OF_CODE
        and (not _WEAK_NAME.search(match["name"]) or _may_be_token(value))
    )


def _is_option_secret(match: re.Match[str]) -> bool:
    value = match["value"]
    if _STAND_IN.fullmatch(value) or _FILE.match(value):
        return False
    return not _WEAK_NAME.match(match["name"]) or _may_be_token(value)


def _may_be_token(value: str) -> bool:
    return (
        len(value) >= 8
        and " " not in value
        and any(character.isdigit() for character in value)
        and any(character.isalpha() for character in value)
    )


PATTERNS = (
    Pattern("secret", _LINE, _HINTS, _is_line_secret),
    Pattern("secret", _QUOTED, _HINTS, _is_quoted_secret),
    Pattern("secret", _BARE, _HINTS, _is_bare_secret),
    Pattern("secret", _OPTION, _HINTS, _is_option_secret),
    Pattern("secret", _CURL_USER, ("-u", "--user")),
    Pattern("secret", _TUPLE, ("auth",)),
)
