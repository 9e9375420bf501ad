"""What an operation of the REST interface is: a path, a function that answers, and who may ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

ROOT = "metaclaw/api"
_FIELD = re.compile(r"\{(\w+)\}")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")


def _whole(text: object) -> object:
    return int(text) if isinstance(text, str) and _WHOLE.match(text) else text


def _integral(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# An argument of an address is text; only what JSON calls an integer counts as one.
FROM_TEXT = BeforeValidator(_whole)
Whole = Annotated[int, FROM_TEXT]
# To JSON 3.0 is an integer, too.
INTEGRAL = BeforeValidator(_integral)


class Arguments(BaseModel):
    """What comes in the address after `?`. Unknown names are left aside: front ends put time stamps there."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class Body(BaseModel):
    """A JSON object that is sent. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is a file to be kept, under a name of its own."""

    name: str
    content: bytes
    mime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`call` gets the host, then the fields of path, arguments and body by name; what it returns is sent as JSON of the
    type `answer`. It runs in a thread, unless `on_loop`: then it is called on the server's event loop and returns at
    once. `secret`: the secret of the home suffices, by which its own processes ask. `counts`: as activity of the
    server, which nothing does that is asked for at intervals. `errors` are what it answers besides what all may.
    `files` are the types that the file is of where the answer is one (File).
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    name: str
    about: str
    call: Callable[..., object]
    answer: type
    arguments: type[Arguments] | None = None
    body: type[Body] | None = None
    status: int = 200
    on_loop: bool = False
    secret: bool = False
    counts: bool = True
    errors: tuple[int, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what varies in the path."""
        return tuple(_FIELD.findall(self.path))

    @property
    def pattern(self) -> str:
        """The path as a regular expression, under the base URL."""
        return f"/{ROOT}" + _FIELD.sub(r"(?P<\1>[^/]+)", self.path.replace(".", "[.]"))


def by_path(operations: tuple[Operation, ...]) -> Mapping[str, Mapping[str, Operation]]:
    """The operations by pattern of the path, then by method."""
    found: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        found.setdefault(operation.pattern, {})[operation.method] = operation
    return found
