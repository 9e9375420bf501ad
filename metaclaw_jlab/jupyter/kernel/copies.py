"""Copies objects of a session as bytes, under a cap on size and time: data alone, never the user's own code."""

from __future__ import annotations

import importlib
import io
import pickle
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

COPY_SECONDS = 0.1  # of processor time, for all that one task refers to
_PROTOCOL = 5
_PLAIN = (
    "builtins",
    "collections",
    "datetime",
    "decimal",
    "fractions",
    "pathlib",
    "re",
    "uuid",
    "zoneinfo",
    "array",
)
_TABLES = ("numpy", "pandas", "pyarrow", "polars", "scipy", "dateutil", "pytz")
_DATA = frozenset((*_PLAIN, *_TABLES))
_AT_HAND = frozenset(("numpy", "pandas", "matplotlib", *_DATA))  # beside the standard library


class NotCopied(Exception):
    """Why an object is not copied: what is to be said behind its name ("is 120 MB, more than ...")."""


class Copier:
    """Copies the objects and files of one start: `left` are the bytes that may still be taken, of `cap` in all."""

    def __init__(self, cap: int, clock: Callable[[], float] = time.thread_time) -> None:
        self.cap = cap
        self.left = cap
        self._clock = clock
        self._deadline = clock() + COPY_SECONDS

    def copy(self, value: object) -> bytes:
        """The pickled object. Raises NotCopied."""
        size = _estimate(value)
        if size > self.left:
            raise self.too_large(size)
        target = _Bounded(self)
        try:
            _DataPickler(target).dump(value)
        except NotCopied:
            raise
        except Exception as error:  # a class's own code ends here
            raise NotCopied(f"({type(value).__name__}) cannot be copied") from error
        return self.taken(target.getvalue())

    def taken(self, content: bytes) -> bytes:
        """Count a content. Raises NotCopied where it is too much."""
        if len(content) > self.left:
            raise self.too_large(len(content))
        self.left -= len(content)
        return content

    def too_large(self, size: int | None) -> NotCopied:
        """The refusal of something of this size; None: more than the cap, nobody counted how much."""
        most = f"{self.cap / 1e6:,.3g} MB that are kept of one task"
        if size is None or size <= self.cap:
            return NotCopied(f"makes it more than the {most} (training.start_mb)")
        return NotCopied(f"is {size / 1e6:,.3g} MB, more than the {most} (training.start_mb)")

    def check_time(self) -> None:
        """Raises NotCopied where copying takes too long."""
        if self._clock() > self._deadline:
            raise NotCopied(f"takes longer to copy than {COPY_SECONDS:g} s")


def is_at_hand(value: object) -> bool:
    """Whether a module, class or function is one that every sandbox has loaded or loads at once."""
    if isinstance(value, ModuleType):
        name = value.__name__
    else:
        owner = value if getattr(value, "__module__", None) else getattr(value, "__self__", None)
        name = str(getattr(owner, "__module__", ""))
    top = name.partition(".")[0]
    return top in _AT_HAND or (top in sys.stdlib_module_names and top != "__main__")


def in_words(value: object) -> str:
    """What kind of thing an object is, where it cannot be copied."""
    if isinstance(value, FunctionType | BuiltinFunctionType):
        return "is a function"
    if isinstance(value, type):
        return "is a class"
    return f"({type(value).__name__}) cannot be copied"


class _Bounded(io.BytesIO):
    def __init__(self, copier: Copier) -> None:
        super().__init__()
        self._copier = copier

    def write(self, data: Any, /) -> int:
        if self.tell() + memoryview(data).nbytes > self._copier.left:
            raise self._copier.too_large(None)
        self._copier.check_time()
        return super().write(data)


class _DataPickler(pickle.Pickler):
    def __init__(self, target: io.BytesIO) -> None:
        super().__init__(target, _PROTOCOL)
        self._known: set[type] = set()

    def reducer_override(self, value: Any, /) -> Any:
        kind = type(value)
        if kind in self._known:
            return NotImplemented
        if isinstance(value, ModuleType):
            return _reduced_module(value)
        if isinstance(value, type) or hasattr(value, "__qualname__"):  # it is pickled by its name
            if not is_at_hand(value):
                raise NotCopied(in_words(value))
            return NotImplemented
        if kind.__module__.partition(".")[0] not in _DATA:
            raise NotCopied(in_words(value))
        self._known.add(kind)
        return NotImplemented


def _reduced_module(module: ModuleType) -> tuple[Any, ...]:
    """A module by its name, where a sandbox can import it too: it sees what is installed, not the user's folder."""
    if not is_at_hand(module) and not _installed(module):
        raise NotCopied("is a module that is not installed")
    return importlib.import_module, (module.__name__,)


def _installed(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    paths = sysconfig.get_paths()
    return file is not None and any(
        Path(file).is_relative_to(paths[kind]) for kind in ("stdlib", "platstdlib", "purelib", "platlib")
    )


def _estimate(value: Any) -> int:
    """Bytes that an object surely has, without walking through it."""
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    usage = getattr(value, "memory_usage", None)
    if type(value).__module__.partition(".")[0] == "pandas" and callable(usage):
        found = usage(deep=False)
        return int(found if isinstance(found, int) else found.sum())
    size = getattr(value, "nbytes", None)
    return size if isinstance(size, int) else 0
