"""Pairs of texts that speak of one thing, out of the documentation of installed libraries."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections.abc import Iterator
from random import Random

_STANDARD = """
argparse ast asyncio base64 bisect calendar codecs collections concurrent.futures configparser contextlib copy csv
dataclasses datetime decimal difflib email enum fileinput fnmatch fractions ftplib functools getpass glob gzip hashlib
heapq html html.parser http.client http.server imaplib inspect io ipaddress itertools json locale logging
logging.handlers lzma mailbox math mimetypes multiprocessing multiprocessing.pool operator os pathlib pdb pickle
platform pprint queue random re sched secrets selectors shelve shlex shutil signal smtplib socket socketserver sqlite3
ssl stat statistics string struct subprocess sys sysconfig tarfile tempfile textwrap threading time timeit tokenize
traceback types typing unicodedata unittest unittest.mock urllib.parse urllib.request uuid venv warnings wave weakref
webbrowser xml.dom.minidom xml.etree.ElementTree zipfile zoneinfo
"""
_SCIENTIFIC = """
numpy numpy.linalg numpy.random numpy.fft numpy.ma numpy.polynomial pandas pandas.api.types pandas.io.json
pandas.plotting pandas.tseries.offsets matplotlib.pyplot matplotlib.axes matplotlib.figure matplotlib.dates
matplotlib.ticker matplotlib.colors
"""
MODULES = (*_STANDARD.split(), *_SCIENTIFIC.split())
_SHORTEST, _LONGEST = 40, 6000
_PARAGRAPH = re.compile(r"\n\s*\n")
_PROMPT = re.compile(r"^\s*(>>>|\.\.\.).*$", re.MULTILINE)
_CHUNK_WORDS = 60

Pair = tuple[str, str]


def documented() -> Iterator[tuple[str, str]]:
    """Names and documentation of functions, classes and methods, in an order that is the same everywhere."""
    seen: set[str] = set()
    for module_name in MODULES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = importlib.import_module(module_name)
            for name, member in sorted(vars(module).items()):
                owners = [(name, member)]
                if inspect.isclass(member):
                    owners += [(f"{name} {key}", value) for key, value in sorted(vars(member).items())]
                for qualified, item in owners:
                    text = _documentation(item) if "_" not in {qualified[0], qualified.split()[-1][0]} else ""
                    if text and text not in seen:
                        seen.add(text)
                        yield f"{module_name.rpartition('.')[2]} {qualified}", text


def _documentation(item: object) -> str:
    if not (callable(item) or isinstance(item, property)):
        return ""
    text = item.__doc__ if isinstance(item.__doc__, str) else ""
    return inspect.cleandoc(text)[:_LONGEST] if len(text) >= _SHORTEST else ""


class Documentation:
    """Draws pairs: a name with its first line and what follows, or two parts of what follows."""

    def __init__(self) -> None:
        self._items = [(name, _parts(text)) for name, text in documented()]
        self._items = [(name, parts) for name, parts in self._items if len(parts) > 1]

    def __len__(self) -> int:
        return len(self._items)

    def draw(self, rng: Random) -> tuple[int, Pair]:
        """Which item, and two texts of it."""
        number = rng.randrange(len(self._items))
        name, parts = self._items[number]
        first = parts[0] if rng.random() < 0.5 else f"{name} {parts[0]}"
        if len(parts) == 2 or rng.random() < 0.75:
            return number, (first, rng.choice(parts[1:]))
        one, other = rng.sample(parts[1:], 2)
        return number, (one, other)


def _parts(text: str) -> list[str]:
    """The first paragraph, and the rest in pieces of at most 60 words."""
    paragraphs = [part.strip() for part in _PARAGRAPH.split(_PROMPT.sub("", text)) if part.strip()]
    words = " ".join(paragraphs[1:]).split()
    pieces = [" ".join(words[at : at + _CHUNK_WORDS]) for at in range(0, len(words), _CHUNK_WORDS)]
    return [*paragraphs[:1], *pieces]
