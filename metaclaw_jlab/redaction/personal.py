"""Personal data: addresses of mail, phone numbers, accounts, cards, public network addresses, names of home folders.

Numbers are taken only with a checksum, an international prefix, or a word that says what they are.
"""

from __future__ import annotations

import ipaddress
import re

from metaclaw_jlab.redaction.pattern import Pattern

_EMAIL = re.compile(
    r"(?<![\w.+-])(?:mailto:)?(?P<value>[\w.+-]++(?:@|%40)(?P<host>[\w-]++(?:\.[\w-]++)++))(?!\s?\()"
)
_TOP_LEVEL = re.compile(r"(?:[^\W\d_]{2,}|xn--[\w-]+)\Z")
# `matrix@other.values` is no address; nor is what an account of a code host is cloned from.
_ATTRIBUTES = (
    "values shape size real imag flat data array dtype index columns iloc loc item items dot mean std sum min max "
    "weight weights bias inverse transpose reshape numpy tensor detach cpu mT conj"
)

_ABROAD = re.compile(r"(?<![\w+.)\]])(?P<value>\+[1-9](?:[ ().\-/\u00a0]{0,3}\d){7,14})(?![\d:]|\.\d)")
_NORTH_AMERICAN = re.compile(
    r"(?<![\w.+/-])(?P<value>(?:\+?1[ .-])?(?:\([2-9]\d\d\) ?\d{3}[ .-]|[2-9]\d\d([.-])\d{3}\2)\d{4})"
    r"(?![\w/-]|\.\d)"
)
_CALLED = re.compile(
    r"(?i)(?<![a-z])(?:phone|telephone|telefon|tel|mobile|mobil|handy|fax|whatsapp)"
    r"(?:[ _-]?(?:number|nummer|no|nr))?[\"']?[ \t]{0,3}[.:=]{0,2}[ \t]{0,3}(?:is )?[\"']?"
    r"(?P<value>[+(]?\d(?:[ ().\-/\u00a0]{0,3}\d){5,15})(?![\w:]|\.\d)"
)

_CARD = re.compile(
    r"(?<![\w.+-])(?P<value>\d{14,16}|\d{4}([ -])\d{4}\2\d{4}\2\d{4}|\d{4}([ -])\d{6}\3\d{4,5})(?![\w-]|\.\d)"
)
_CARD_NUMBER = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}"
)
# Length of an account number, and the countries that have it (ISO 13616 registry).
_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?=[A-Z]{2}\d\d)(?:"
    + "|".join(
        rf"(?:{countries.replace(' ', '|')})\d\d(?:[ -]?[A-Z0-9]){{{length - 4}}}"
        for length, countries in _IBAN_LENGTHS.items()
    )
    + r")(?![A-Za-z0-9])"
)
_SOCIAL_SECURITY = re.compile(
    r"[0-8](?<![\w.+/-]\d)\d\d(?<!000)(?<!666)-(?!00)\d\d-(?!0000)\d{4}(?![\w/-]|\.\d)"
)

_IPV4 = re.compile(r"\d(?<![\w.=<>~^-]\d)\d{0,2}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"[23](?<![\w:.][23])[0-9A-Fa-f]{3}:[0-9A-Fa-f:]{3,34}(?![\w:])")
_VERSION_BEFORE = re.compile(r"(?i)(?:version|release|v|build|python|==|>=|<=|~=)[\"']?[\s:=]*\Z")

_HOME = re.compile(
    r"(?:(?<![\w.~-])|(?<=/mnt/[a-z]))"
    r"(?:/(?:home|Users)/|[A-Za-z]:(?:\\\\?|/)(?:Users|Documents and Settings)(?:\\\\?|/))"
    r"(?P<value>[^\s/\\:\"'`<>|*?\[\]{}()$,;]{1,64}+)(?!\()"
)
_NOBODYS = "user users shared public default jovyan runner ubuntu root name username home you me"


def _is_address(match: re.Match[str]) -> bool:
    local, last = match["value"].replace("%40", "@").split("@")[0], match["host"].rpartition(".")[2]
    if not any(character.isalnum() for character in local):
        return False
    return (
        bool(_TOP_LEVEL.match(last))
        and last not in _ATTRIBUTES.split()
        and not (local == "git" and _cloned(match))
    )


def _cloned(match: re.Match[str]) -> bool:
    return match.string[match.end() : match.end() + 1] in (":", "/")


def _is_card(match: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", match["value"])
    return bool(_CARD_NUMBER.fullmatch(digits)) and _luhn(digits)


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(int(digit) for digit in digits[::-2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def _is_public(match: re.Match[str]) -> bool:
    if _VERSION_BEFORE.search(match.string[max(0, match.start() - 16) : match.start()]):
        return False
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and not str(match[0]).endswith((".0", "::"))


def _is_somebodys(match: re.Match[str]) -> bool:
    return match["value"].lower() not in _NOBODYS.split()


def _is_account(match: re.Match[str]) -> bool:
    """Whether the check digits of ISO 13616 hold."""
    compact = re.sub(r"[ -]", "", match[0])
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


PATTERNS = (
    Pattern("email", _EMAIL, ("@", "%40"), _is_address),
    Pattern("iban", _IBAN, (), _is_account),
    Pattern("card", _CARD, (), _is_card),
    Pattern("phone", _ABROAD, ("+",)),
    Pattern("phone", _NORTH_AMERICAN),
    Pattern("phone", _CALLED, ("phone", "tel", "mobil", "handy", "fax", "whatsapp")),
    Pattern("id", _SOCIAL_SECURITY, ("-",)),
    Pattern("ip", _IPV4, (".",), _is_public),
    Pattern("ip", _IPV6, (":",), _is_public),
    Pattern("user", _HOME, ("/home/", "/users/", "users\\", "settings\\"), _is_somebodys),
)
