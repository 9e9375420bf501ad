"""Puts pickled objects into a namespace under the names that a notebook has for them."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from typing import Any

from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.executors.frames import Frame, pack, unpack

_CELL = re.compile(r"(In|Out)\[(\d{1,6})\]\Z")


def load_request(pickled: Mapping[str, bytes], seconds: float) -> Frame:
    """What a runner is asked for that is to load objects."""
    header, blob = pack(pickled)
    return {"load": header["files"], "seconds": seconds}, blob


def load_objects(namespace: dict[str, Any], request: Frame) -> str:
    """Load them by name; `In[3]` and `Out[3]` become entries of `In` and `Out`, and `_3` as well. Unpickling runs
    code: only where code may run that nobody has looked at. What could not be loaded in words, "" where all could."""
    header, blob = request
    for name, data in unpack(({"files": header["load"]}, blob)).items():
        try:
            place(namespace, name, pickle.loads(data))
        except BaseException as error:  # noqa: BLE001 - a class's own code ends here
            return f"{name} ({type(error).__name__}: {error})"
    return ""


def place(namespace: dict[str, Any], name: str, value: object) -> None:
    """Give one object its name."""
    cell = _CELL.match(name)
    if cell is None:
        namespace[name] = value
        return
    number = int(cell[2])
    if cell[1] == "Out":
        namespace.setdefault("Out", {})[number] = namespace[f"_{number}"] = value
        return
    sources = namespace.setdefault("In", [""])
    sources += [""] * (number + 1 - len(sources))
    sources[number] = namespace[f"_i{number}"] = value


def not_loaded(cause: str) -> ExecutorError:
    """The error of objects that could not be loaded, in words."""
    return ExecutorError(
        f"What the task started from could not be loaded in the sandbox: {cause}.",
        "Leave the task out, or install in this environment what it needs.",
    )
