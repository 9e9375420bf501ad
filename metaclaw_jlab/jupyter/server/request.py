"""What a client asked for: the arguments and the body of a request, held against what an operation takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from metaclaw_jlab.core.errors import RequestInvalid

if TYPE_CHECKING:
    from pydantic import BaseModel

    from metaclaw_jlab.jupyter.server.operation import Arguments, Body, Operation

LARGEST = 1 << 20  # bytes of a body


def read_request(
    operation: Operation,
    path: Mapping[str, str],
    arguments: Mapping[str, Sequence[bytes]],
    body: bytes,
) -> dict[str, object]:
    """Everything that was asked, by name. Raises RequestInvalid with the first thing that is wrong."""
    found: dict[str, object] = {name: _text(name, path[name].encode()) for name in operation.fields}
    if operation.arguments is not None:
        found.update(_values(_arguments(operation.arguments, arguments)))
    if operation.body is not None:
        found.update(_values(_body(operation.body, body)))
    return found


def _arguments(model: type[Arguments], given: Mapping[str, Sequence[bytes]]) -> Arguments:
    known = {name: values for name, values in given.items() if name in model.model_fields}
    for name, values in known.items():
        if len(values) > 1:
            raise RequestInvalid(f"{name} is given {len(values)} times.", "Give it once.", param=name)
    try:
        return model.model_validate({name: _text(name, values[0]) for name, values in known.items()})
    except ValidationError as error:
        raise _invalid(error) from error


def _body(model: type[Body], body: bytes) -> Body:
    if len(body) > LARGEST:
        raise RequestInvalid(
            f"The body has {len(body):,} bytes.", f"Send {LARGEST:,} at most.", status=413, code="too_large"
        )
    try:
        # What needs nothing may be asked for without a body.
        return model.model_validate_json(body if body.strip() else b"{}")
    except ValidationError as error:
        raise _invalid(error) from error


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeError as error:
        raise RequestInvalid(f"{name} is no UTF-8.", "Encode it as UTF-8.", param=name) from error


def _values(model: BaseModel) -> dict[str, object]:
    return {name: getattr(model, name) for name in type(model).model_fields}


def _invalid(error: ValidationError) -> RequestInvalid:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    told = f"{where}: {first['msg']}." if where else f"{first['msg']}."
    return RequestInvalid(told, "See what it takes in openapi.json.", param=where or None)
