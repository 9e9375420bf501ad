"""The OpenAPI description of the REST interface, made from the operations and the types that they take and give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue

from metaclaw_jlab.jupyter.server.failure import Failure
from metaclaw_jlab.jupyter.server.operation import ROOT, File, Operation

if TYPE_CHECKING:
    from pydantic_core import core_schema

SCHEMAS = "#/components/schemas/{model}"
ALWAYS = (400, 403, 500, 503)
_ABOUT = """What the sidebar, scripts and the processes of a home ask a MetaClaw server. Whoever asks is known to
Jupyter, by its token or its cookie; a page that changes something sends the header X-XSRFToken too. A client's key is
good for /metaclaw/v1 alone. Times are seconds since the epoch."""


class _Numbers(GenerateJsonSchema):
    """What is sent as a number may be null: JSON has no NaN, which a loss can be."""

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        found = super().float_schema(schema)
        return {**found, "type": ["number", "null"]} if self.mode == "serialization" else found


@lru_cache(maxsize=4)
def describe(operations: tuple[Operation, ...], base_url: str, version: str) -> dict[str, Any]:
    """The description, as OpenAPI 3.1. It is made when it is first asked for: the types are many."""
    schemas, definitions = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "MetaClaw", "version": version, "description": _ABOUT.replace("\n", " ")},
        "servers": [{"url": f"{base_url}{ROOT}"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Jupyter's own token."}
            },
        },
    }


def _operation(operation: Operation, schemas: dict[tuple[type, str], JsonSchemaValue]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.about,
        "parameters": [*map(_field, operation.fields), *_arguments(operation)],
        "responses": {
            str(operation.status): _found(operation, schemas),
            **{
                str(status): _answer(HTTPStatus(status).phrase, schemas[Failure, "serialization"])
                for status in sorted({*ALWAYS, *operation.errors, *((413,) if operation.body else ())})
            },
        },
    }
    if operation.body is not None:
        needed = any(field.is_required() for field in operation.body.model_fields.values())
        content = {"application/json": {"schema": schemas[operation.body, "validation"]}}
        told["requestBody"] = {"required": needed, "content": content}
    return told


def _found(operation: Operation, schemas: dict[tuple[type, str], JsonSchemaValue]) -> dict[str, Any]:
    about = "What was asked for."
    if operation.answer is not File:
        return _answer(about, schemas[operation.answer, "serialization"])
    # Its bytes are whatever their own type says.
    return {
        "description": about,
        "content": {mime: {"schema": {"type": "string"}} for mime in operation.files},
    }


def _field(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _arguments(operation: Operation) -> list[dict[str, Any]]:
    if operation.arguments is None:
        return []
    made = operation.arguments.model_json_schema(ref_template=SCHEMAS)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in made.get("required", ()),
            "description": schema.pop("description", ""),
            "schema": _present(schema),
        }
        for name, schema in made["properties"].items()
    ]


def _present(schema: JsonSchemaValue) -> JsonSchemaValue:
    """An argument is left out or has a value: there is no null in an address."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in {"anyOf", "title", "default"}}
    default = {"default": schema["default"]} if schema.get("default") is not None else {}
    return {**rest, **default, **(kinds[0] if len(kinds) == 1 else {})}


def _answer(about: str, schema: JsonSchemaValue) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _schemas(
    operations: Sequence[Operation],
) -> tuple[dict[tuple[type, str], JsonSchemaValue], dict[str, JsonSchemaValue]]:
    """The schemas of all that is taken and given, by type and direction, and what they refer to."""
    wanted: dict[tuple[type, JsonSchemaMode], TypeAdapter[Any]] = {}
    for operation in operations:
        if operation.answer is not File:
            wanted.setdefault((operation.answer, "serialization"), _adapter(operation.answer))
        if operation.body is not None:
            wanted.setdefault((operation.body, "validation"), TypeAdapter(operation.body))
    wanted[Failure, "serialization"] = TypeAdapter(Failure)
    found, rest = TypeAdapter.json_schemas(
        [(key, key[1], adapter) for key, adapter in wanted.items()],
        ref_template=SCHEMAS,
        schema_generator=_Numbers,
    )
    return {key: schema for (key, _), schema in found.items()}, _tidy(rest.get("$defs", {}))


def _adapter(answer: type) -> TypeAdapter[Any]:
    """Records name types that are only imported where types are checked; they are looked up here."""
    adapter: TypeAdapter[Any] = TypeAdapter(answer)
    if not adapter.pydantic_complete:
        adapter.rebuild(_types_namespace=_named_only(), raise_errors=True)
    return adapter


@lru_cache(maxsize=1)
def _named_only() -> dict[str, Any]:
    from metaclaw_jlab.skills.library import Problem
    from metaclaw_jlab.store.query import QueryCounts
    from metaclaw_jlab.store.trajectories import Counts
    from metaclaw_jlab.store.uses import SkillUse

    return {kind.__name__: kind for kind in (Counts, Problem, QueryCounts, SkillUse)}


def _tidy(definitions: dict[str, JsonSchemaValue]) -> dict[str, JsonSchemaValue]:
    """Docstrings of records span lines; a description is one."""
    for schema in definitions.values():
        if "description" in schema:
            schema["description"] = re.sub(r"\s+", " ", schema["description"])
    return definitions


def main() -> None:
    """Print the description, with paths as they are under the root: the front end's types are made from it."""
    import json

    from metaclaw_jlab.jupyter.server.routes import OPERATIONS

    print(json.dumps(describe(OPERATIONS, "/", ""), indent=1))  # noqa: T201 - what this is for


if __name__ == "__main__":
    main()
