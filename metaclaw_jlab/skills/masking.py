"""Masks a task's text: takes out what belongs to this one task, so that words are left that its kind shares.

Taken out are URLs, addresses, quotations, numbers, variables, the names of files and folders (a suffix stays as a
word), and words that the code has as data: in string literals, as columns and as functions that it defines.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from itertools import accumulate

from metaclaw_jlab.skills.words import BACKGROUND, STOP_WORDS, stem, words

_ENCODED = re.compile(r"[!-~]{200,}")  # no language has words so long
_URL = re.compile(r"\b(?:[a-zA-Z][a-zA-Z+.-]{1,15}://|www\.)[^\s<>\"')\]]+")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_QUOTED = re.compile(
    r"\"([^\"\n]{1,300})\"|(?<!\w)'([^'\n]{1,300})'(?!\w)|`([^`\n]{1,300})`|“([^”\n]{1,300})”|«([^»\n]{1,300})»"
)
_FILE = re.compile(
    r"(?:\b[a-zA-Z]:)?(?<![\w~/\\.*-])[\w~/\\.*-]*[\w*-]\.([a-z][a-z0-9]{0,9}|[A-Z][A-Z0-9]{0,9})\b(?![\\/])"
)
_ABBREVIATION = re.compile(r"[a-z]\.[a-z]")  # e.g, i.e
_FOLDER = re.compile(
    r"(?<!\w)(?:[~.]{1,2}[/\\][\w./\\-]*|[/\\][\w.-]+[\w./\\-]*|[\w.-]+[/\\](?!\w)|[\w.-]+(?:[/\\][\w.-]+){2,}[/\\]?)"
)
_VARIABLE = re.compile(r"@\w+|\b\w*[^\W_]_\w+|\b[a-z]+[A-Z]\w*")  # @df, snake_case, camelCase
_NUMBER = re.compile(r"[-+]?\b\d[\w.,:/-]*\w|[-+]?\b\d+%?|\b[a-zA-Z]{1,4}\d+\b")
_NAMED = re.compile(r"\b(?:called|named|variables?|as|in|into|to)\s+$", re.IGNORECASE)
_TIDY = (
    (re.compile(r"\(\s*\)|\[\s*\]|[\"“”«»`]|(?<!\w)[-=<>/\\*+%#$€£&|_]+(?!\w)"), " "),
    (re.compile(r"\s+(?=[,.;:?!)])"), ""),
    (re.compile(r"([,;:])(?=[,.;:])|(?<=\()\s+"), ""),
    (re.compile(r"\s+"), " "),
)
_LETTERS = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"[^\W\d_]+|\d+")
_LONGEST_RUN = 8

_STRING = re.compile(r"\"([^\"\n\\]*)\"|'([^'\n\\]*)'")
_DEFINED = re.compile(r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)", re.MULTILINE)
_ASSIGNED = re.compile(r"^\s*(\w+)\s*=(?!=)", re.MULTILINE)
_MAGIC = re.compile(r"^(\s*)[%!?].*$", re.MULTILINE)
_BETWEEN_VALUES = re.compile(r"[\n\r\t,;:|=<>!#*(){}\[\]\"'`&+]+")
_SUFFIX = re.compile(r"(?<=.)\.([A-Za-z][A-Za-z0-9]{0,9})$")
_SQL = re.compile(r"\s*(?:select|insert\s+into|update|delete\s+from|create\s+table|with)\s", re.IGNORECASE)
_MESSAGES = frozenset({"print", "warn", "info", "debug", "error", "warning"})
_OPTION_NAMES = "aggfunc dtype encoding engine errors format how kind method mode orient parse_dates sep"
_ACCESSOR_NAMES = """columns date day dt dtypes hour iloc index loc minute month name names parent path shape size stem
str suffix values year"""
_OPTIONS, _ACCESSORS = frozenset(_OPTION_NAMES.split()), frozenset(_ACCESSOR_NAMES.split())
# Words that say what is done or made are no names, wherever the code has them.
_OPERATIONS = """average bar box chart count create delete figure folder from group heading histogram html image insert
into join json line list markdown max maximum md median min minimum mode order percent pie plot png ratio scatter select
set standard deviation std svg pdf tsv txt update variance where xlsx xml yaml"""
_ORDINARY = STOP_WORDS | {word for text in (*BACKGROUND, _OPERATIONS) for word in words(text)}


def mask(text: str, code: str = "") -> str:
    """The text without its names and values; `code` did the task or tried to, and need not parse."""
    masked = _ADDRESS.sub(" ", _URL.sub(" ", _ENCODED.sub(" ", text)))
    masked = _QUOTED.sub(_suffixes, masked)
    if code:
        values, assigned = _values(code)
        masked = _FILE.sub(_suffix, masked)
        masked = _without_values(masked, values, assigned)
    masked = _FILE.sub(_suffix, masked)
    for pattern in (_FOLDER, _VARIABLE, _NUMBER):
        masked = pattern.sub(" ", masked)
    for pattern, instead in _TIDY:
        masked = pattern.sub(instead, masked)
    return masked.strip(" ,;:")


def own_words(text: str, code: str = "") -> tuple[str, ...]:
    """The words of a task that are its names: those that its mask leaves out, in their order."""
    kept = {word.lower() for word in _LETTERS.findall(mask(text, code))}
    return tuple(word for word in _LETTERS.findall(text) if word.lower() not in kept)


def _suffix(found: re.Match[str]) -> str:
    return found[0] if _ABBREVIATION.fullmatch(found[0]) else f" {found[1].lower()} "


def _suffixes(found: re.Match[str]) -> str:
    return " " + " ".join(file[1].lower() for file in _FILE.finditer(found[0])) + " "


def _without_values(text: str, values: frozenset[str], assigned: frozenset[str]) -> str:
    """The text without each run of words that, written together, is a value; the longest run first."""
    pieces = list(_PIECE.finditer(text))
    kept, end, number = [], 0, 0
    while number < len(pieces):
        run = pieces[number : number + _LONGEST_RUN]
        joined = list(accumulate(piece[0].casefold() for piece in run))
        lengths = [count for count in range(len(run), 0, -1) if joined[count - 1] in values]
        start = run[0].start()
        named = joined[0] in assigned and _NAMED.search(text, max(0, start - 40), start)
        length = next((count for count in lengths if not _all_ordinary(run[:count])), 1 if named else 0)
        if length:
            kept.append(text[end:start])
            end = run[length - 1].end()
        number += max(1, length)
    return " ".join((*kept, text[end:]))


def _all_ordinary(run: list[re.Match[str]]) -> bool:
    return all(piece[0].casefold() in _ORDINARY or stem(piece[0].casefold()) in _ORDINARY for piece in run)


def _values(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """The code's data and defined names, and the variables that it assigns; words written together, small letters."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(_MAGIC.sub(r"\1pass", code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        literals = ["".join(found) for found in _STRING.findall(code)]
        defined, assigned = _DEFINED.findall(code), _ASSIGNED.findall(code)
    else:
        literals, defined, assigned = _read(tree)
    values = {value for literal in literals for value in _parts(literal)}
    values.update(_together(name) for name in defined)
    return frozenset(values - {""}), frozenset(_together(name) for name in assigned)


def _parts(literal: str) -> Iterator[str]:
    """The values in a literal: lines, fields, folders and file names without suffix; of SQL each word."""
    between = re.compile(r"[\W]+") if _SQL.match(literal) else _BETWEEN_VALUES
    for chunk in between.split(literal[:20_000]):
        for part in re.split(r"[/\\]", chunk.strip()):
            yield _together(_SUFFIX.sub("", part) if not part.startswith(".") else "")


def _together(text: str) -> str:
    return "".join(_PIECE.findall(text)).casefold()


def _read(tree: ast.AST) -> tuple[list[str], list[str], list[str]]:
    """The literals of code that are data, the names that it defines, and the variables that it assigns."""
    literals: list[str] = []
    defined: list[str] = []
    assigned: list[str] = []
    modules: set[str] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Constant(value=str(literal)):
                literals.append(literal)
            case ast.Name(id=name, ctx=ast.Store()):
                assigned.append(name)
            case ast.Import(names=names):
                modules.update((item.asname or item.name).split(".")[0] for item in names)
            case ast.Attribute(value=of, attr=name):
                literals.append("" if name in _ACCESSORS or getattr(of, "id", "") in modules else name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                defined.append(name)
        waiting += reversed(list(_data_below(node)))
    return literals, defined, assigned


def _data_below(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node that may hold data: no docstring, message, option or name of a method."""
    match node:
        case ast.Call(func=called, args=arguments, keywords=keywords):
            yield called.value if isinstance(called, ast.Attribute) else called
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            for argument in arguments:
                if name not in _MESSAGES or not isinstance(argument, ast.Constant | ast.JoinedStr):
                    yield argument
                elif isinstance(argument, ast.JoinedStr):
                    yield from (part for part in argument.values if isinstance(part, ast.FormattedValue))
            yield from (keyword.value for keyword in keywords if keyword.arg not in _OPTIONS)
        case ast.Expr(value=ast.Constant()):
            pass
        case _:
            yield from ast.iter_child_nodes(node)
