"""Values that feedback quotes: found, freed of what belongs to one day or one task, and told in other words.

A literal in a text is replaced by one private character, so that grammar can treat it as a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metaclaw_jlab.skills.distiller.english import plural, singular, word_set

_FIRST_MARK = 0xE000
SIGN_NAMES = {
    ";": "semicolon", ",": "comma", "|": "pipe", "\\t": "tab", "\t": "tab", "_": "underscore", "-": "dash",
    ".": "dot", ":": "colon", "/": "slash", "\\": "backslash", "#": "hash", "*": "asterisk", "=": "equals sign",
    "&": "ampersand", "%": "percent sign", "€": "euro sign", "$": "dollar sign", "'": "single quote",
    '"': "double quote", "+": "plus sign", "@": "at sign", "~": "tilde", "?": "question mark",
    "!": "exclamation mark", " ": "blank",
}  # fmt: skip
_SIGNS = {name: sign for sign, name in SIGN_NAMES.items() if sign != "\t"}
_SIGNS |= {"hyphen": "-", "space": " ", "apostrophe": "'", "quotation mark": '"', "full stop": "."}
_SIGNS |= {"vertical bar": "|", "quote": "'", "bar": "|", "period": "."}
NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
}
_DIGIT_WORDS = {digits: word for word, digits in NUMBER_WORDS.items()}
SUFFIXES = word_set(
    """bak bmp cfg conf csv docx gif gz htm html ini ipynb jpeg jpg js json jsonl log markdown md npy
    parquet pdf pkl png py rst sql sqlite svg tar tex toml tsv txt webp xls xlsx xml yaml yml zip"""
)

_BLOCK = r"```[^\n`]*\n(?P<block>.*?)```"
_QUOTED = (
    r"`(?P<code>[^`\n]{1,200})`|(?<![\w])\"(?P<double>[^\"\n]{1,200})\"(?!\w)|(?<!\w)'(?P<single>[^'\n]{1,80})'(?!\w)"
    r"|“(?P<curly>[^”\n]{1,200})”"
)
_SHAPES = (
    r"\[[A-Z][A-Z0-9_-]*\]",  # [INFO]
    r"\b[A-Z]{1,6}-\d+\b",  # T-405
    r"(?<![\w/.-])[\w.*<>-]+(?:/[\w.*<>-]+)+",  # a path, DD/MM/YYYY
    r"(?<![\w/.-])[A-Za-z0-9_-]+/(?![\w/])",  # a folder
    r"(?<![\w/.])[\w*<>-]+(?:\.[A-Za-z0-9*<>]+)*\.[A-Za-z][A-Za-z0-9]{0,8}(?![\w/.])",  # a file
    r"(?<!\w)\d{4}-\d\d-\d\d(?:T[\d:<>a-z]+)?(?:[+-]\d\d:\d\d|Z\b)?",  # 2026-03-16T09:30:00+08:00
    r"(?<![\w])[+-]\d\d:\d\d\b",  # +08:00
    r"(?<![\w.])\d{1,2}\.\d{1,2}\.\d{4}\b",
    r"\b[YMDHSymd]{1,4}(?:[-./: ]?[YMDHSymd]{2,4})+\b(?<=[A-Zymd])",  # YYYY-MM-DD
    r"(?<!\S)\.[A-Za-z][A-Za-z0-9]{0,15}\b",  # .bak
    r"\b\w*[A-Za-z0-9]_\w*[*]?(?:\.\w+)?",  # snake_case
    r"(?<!\S)\\[tn](?!\w)",
    r"(?<![^\s(])(?:[^\w\s`\"'(),.;:!?—–<>-]{1,6}|[-;|,_.:]{1,2})(?=\s|$)",  # ##, ;
    r"\b\d+(?:\.\d+)?\b",
    r"\b[A-Z][A-Z0-9]+\b(?!')",
)
_LITERAL = re.compile("|".join((_BLOCK, _QUOTED, *_SHAPES)), re.DOTALL)
# A capital letter inside a sentence: a word that is meant as it is written.
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+\b")
_DATE_SHAPES = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT(?:\d\d:\d\d:\d\d|\d\d:\d\d|<[a-z]+>)"), "YYYY-MM-DDTHH:MM:SS"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "YYYY-MM-DD"),
    (re.compile(r"\b\d{4}/\d\d/\d\d\b"), "YYYY/MM/DD"),
    (re.compile(r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?!\d)"), "YYYYMMDD"),
    (re.compile(r"\b(?:1[3-9]|2\d|3[01])/\d\d/\d{4}\b"), "DD/MM/YYYY"),
    (re.compile(r"\b\d\d/(?:1[3-9]|2\d|3[01])/\d{4}\b"), "MM/DD/YYYY"),
    (re.compile(r"\b\d\d\.\d\d\.\d{4}\b"), "DD.MM.YYYY"),
    (re.compile(r"(?<![+\d:-])\b\d\d:\d\d:\d\d\b"), "HH:MM:SS"),
    (re.compile(r"(?<![+\d:-])\b\d\d:\d\d\b(?!:)"), "HH:MM"),
)
_DATED_NAME = re.compile(r"(YYYY-?MM-?DD[_-])(?!<)(?!\*)[\w-]+(\.\w+)")
_FILE = re.compile(r"(?:[\w.-]+/)*[\w-]+(?:\.[A-Za-z][A-Za-z0-9]{0,9})+")
THE_FILE = "the file"


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with each literal replaced by a private character, and the literals in order.

    `quoted` tells which of them stood in quotes; `own` whether one of them is a name out of the task itself.
    """

    text: str
    literals: tuple[str, ...]
    quoted: frozenset[int] = frozenset()
    own: bool = False

    def with_literal(self, literal: str) -> tuple[Marked, str]:
        """The same with one literal more, and the character that stands for it."""
        more = Marked(self.text, (*self.literals, literal), self.quoted, self.own)
        return more, chr(_FIRST_MARK + len(self.literals))

    def spelled(self, text: str) -> str:
        """The text with its literals back; a literal of several lines as a fenced block."""
        return "".join(self._literal(c) if is_mark(c) else c for c in text)

    def _literal(self, character: str) -> str:
        literal = self.literals[ord(character) - _FIRST_MARK]
        return f"\n```\n{literal}\n```" if "\n" in literal else literal


def is_mark(word: str) -> bool:
    """Whether a word stands for a literal."""
    return len(word) == 1 and "\ue000" <= word <= "\uf8ff"


def has_mark(text: str) -> bool:
    """Whether a text holds a literal."""
    return any("\ue000" <= character <= "\uf8ff" for character in text)


def mark(text: str, names: frozenset[str]) -> Marked:
    """Mark the literals of a text. `names` are the task's own files and data (see `names_of`)."""
    found: list[str] = []
    quoted: set[int] = set()
    own = False

    def replace(match: re.Match[str]) -> str:
        nonlocal own
        whole = match[0]
        inner = next((group for group in match.groups() if group is not None), None)
        literal = generalised(whole if inner is None else inner, names)
        if literal == THE_FILE or (literal.casefold() in names and inner is not None):
            own = own or literal != THE_FILE
            if literal == THE_FILE:
                return THE_FILE
        if inner is not None:
            quoted.add(len(found))
        if len(found) > 500:
            return whole
        found.append(literal)
        return chr(_FIRST_MARK + len(found) - 1)

    text = _LITERAL.sub(replace, "".join(c for c in text if not is_mark(c)))
    text = _NAME.sub(replace, text)
    return Marked(re.sub(r"\bthe (?=the file\b)", "", text), tuple(found), frozenset(quoted), own)


def names_of(task: str, code: str) -> frozenset[str]:
    """Files that a task or its code names, and quoted or marked-up words of the task, in small letters."""
    files = {match[0].casefold() for match in _FILE.finditer(f"{task}\n{code}")}
    quotes = re.findall(r"[`\"']([^`\"'\n]{1,80})[`\"']", task)
    words = re.findall(r"\b\w*[A-Za-z0-9]_\w+\b|\bcolumns? (\w+)\b", task)
    folders = {file.rpartition("/")[0] for file in files} - {""}
    return frozenset(
        files
        | {file.rpartition("/")[2] for file in files}
        | {f"{folder}/" for folder in folders}
        | {quote.strip().casefold() for quote in quotes}
        | {word.casefold() for word in words if word}
    ) - {""}


def generalised(literal: str, names: frozenset[str]) -> str:
    """A literal without what belongs to one day or one task: dates as their pattern, the task's files as `the file`."""
    lower = literal.strip().casefold()
    if _FILE.fullmatch(lower):
        if lower in names or lower.rpartition("/")[2] in names:
            stem, _, suffix = lower.rpartition(".")
            return f".{suffix}" if _FILE.fullmatch(stem) and _is_own(stem, names) else THE_FILE
        stem, _, suffix = lower.rpartition(".")
        if _is_own(stem, names):
            return f".{suffix}"
    for folder in names:
        if folder.endswith("/") and lower.startswith(folder) and len(lower) > len(folder):
            literal = literal.strip()[len(folder) :]
            break
    for pattern, shape in _DATE_SHAPES:
        literal = pattern.sub(shape, literal)
    return _DATED_NAME.sub(r"\1<name>\2", literal).strip("\n") or literal


def _is_own(file: str, names: frozenset[str]) -> bool:
    return bool(_FILE.fullmatch(file)) and (file in names or file.rpartition("/")[2] in names)


_DATE_WORDS = re.compile(r"(?:year|month|day)(?:[-/. ]?(?:year|month|day)){1,2}")


def _date_shape(words: str) -> str:
    return words.replace("year", "YYYY").replace("month", "MM").replace("day", "DD")


def canonical(word: str) -> str:
    """One form for a value however it is written: signs for their names, digits for number words."""
    lower = word.casefold().strip()
    if lower in NUMBER_WORDS:
        return NUMBER_WORDS[lower]
    if _DATE_WORDS.fullmatch(lower):
        return _date_shape(lower)
    name = singular(lower)
    if name in _SIGNS:
        return "\\t" if _SIGNS[name] == "\t" else _SIGNS[name]
    if word == "\t":
        return "\\t"
    if re.fullmatch(r"\.[a-z0-9]+", lower) or re.fullmatch(r"[\w-]+/", lower):
        return lower.strip("./")
    if lower in SUFFIXES:
        return lower
    if dated := re.match(r"YYYY-?MM-?DD[_-](?=.)", word.strip()):
        return dated[0]
    return word.strip()


def other_spellings(word: str) -> tuple[str, ...]:
    """Other ways to write a value: `semicolons` for `;`, `;` for `semicolons`, `two` for `2`; none for most."""
    lower = word.casefold()
    if word in SIGN_NAMES:
        name = SIGN_NAMES[word]
        return (plural(name), name)
    if set(word) == {"#"} and len(word) > 1:
        return ()
    if word in _DIGIT_WORDS:
        return (_DIGIT_WORDS[word],)
    if lower in NUMBER_WORDS:
        return (NUMBER_WORDS[lower],)
    if _DATE_WORDS.fullmatch(lower):
        return (_date_shape(lower),)
    sign = _SIGNS.get(singular(lower))
    return (sign,) if sign is not None and sign.strip() else ()


def is_sign_name(word: str) -> bool:
    """Whether a word names a sign: `semicolons`."""
    return singular(word.casefold()) in _SIGNS


def kind_of(value: str) -> str:
    """What kind of value a canonical value is; two values of one kind can contradict each other."""
    if re.fullmatch(r"\d+(?:\.\d+)?", value):
        return "number"
    if value in SIGN_NAMES or value == "\\t":
        return "sign"
    if re.search(r"YYYY|MM|DD|year|month", value):
        return "date"
    return "suffix" if value in SUFFIXES else "word"


def values_in(text: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """The canonical literals of a text, sign names and number words among them, without repeats."""
    marked = mark(text, frozenset(names))
    return canonical_values(marked.text, marked.literals)


def canonical_values(text: str, literals: Sequence[str]) -> tuple[str, ...]:
    """The canonical values of a marked text."""
    found = []
    for literal in literals:
        block = re.findall(r"^(\w+):", literal, re.MULTILINE) if "\n" in literal else []
        found += block or [canonical(literal)]
    for word in re.findall(r"[A-Za-z]+", text):
        if word.casefold() in SUFFIXES or canonical(word) != word:
            found.append(canonical(word))
    return tuple(dict.fromkeys(found))
