"""Families that define a small function: arithmetic, or a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from metaclaw_jlab.practice.families.base import Draft, Family, Options, Params, Reading, Variant, View
from metaclaw_jlab.practice.names import Names

_POINTS = (-3, 0, 2, 17, 50)
_VARIANTS = (Variant("defined", ("function-docs",)),)
_VERBS = {
    "*": ("multiplies x by {number}",),
    "+": ("adds {number} to x",),
    "-": ("subtracts {number} from x",),
    ">": ("tells if x is above {number}", "says if x is above {number}"),
    "<": ("tells if x is below {number}", "says if x is below {number}"),
}


def _value(params: Params, x: int) -> float:
    number = params["number"]
    results: dict[str, float] = {
        "*": x * number,
        "+": x + number,
        "-": x - number,
        ">": float(x > number),
        "<": float(x < number),
    }
    return float(results[params["sign"]])


def _draw(rng: Random, names: Names, signs: str) -> Draft:
    sign, number, name = rng.choice(signs), rng.randint(2, 30), names.word()
    params = {"name": name, "sign": sign, "number": number}
    verb = rng.choice(_VERBS[sign]).format(number=number)
    return Draft(params, {}, {"name": name, "does": verb})


def _code(params: Params, options: Options, returns: str) -> str:
    kind, body = options["function-docs"], f"x {params['sign']} {params['number']}"
    head = f"x: float) -> {returns}" if kind == "hints" else "x)"
    doc = f"    '''Return {body}.'''\n" if kind == "docstring" else ""
    return f"def {params['name']}({head}:\n{doc}    return {body}"


def _points(params: Params) -> list[int]:
    return [*_POINTS, params["number"]]


def _probe(params: Params) -> str:
    name = params["name"]
    return (
        f"[[float({name}(_x)) for _x in {_points(params)}], bool(({name}.__doc__ or '').strip()), "
        f"'x' in {name}.__annotations__ or len({name}.__annotations__) > 0]"
    )


def _read(params: Params, view: View) -> Iterator[Reading]:
    if view.lines or not isinstance(view.probe, list) or len(view.probe) != 3:
        return
    values, doc, hints = view.probe
    if values != [_value(params, x) for x in _points(params)]:
        return
    if not doc and not hints:
        yield Reading({"function-docs": "plain"})
    if doc:
        yield Reading({"function-docs": "docstring"})
    if hints:
        yield Reading({"function-docs": "hints"})


_WORDINGS = (
    "Write a function {name} that {does}",
    "Define a function {name} that {does}",
    "Make a function {name} which {does}",
    "Write a function called {name} that {does}",
    "Define the function {name} which {does}",
    "Make a function named {name} that {does}",
    "Define a function called {name} which {does}",
    "Write the function {name} which {does}",
)

FUNCTION = Family(
    name="function",
    variants=_VARIANTS,
    wordings=_WORDINGS,
    draw=lambda rng, names, _variant: _draw(rng, names, "*+-"),
    code=lambda p, o: _code(p, o, "float"),
    read=_read,
    goal=lambda p: f"a function {p['name']} with one argument that returns x {p['sign']} {p['number']}",
    probe=_probe,
)
PREDICATE = Family(
    name="predicate",
    variants=_VARIANTS,
    wordings=_WORDINGS,
    draw=lambda rng, names, _variant: _draw(rng, names, "<>"),
    code=lambda p, o: _code(p, o, "bool"),
    read=_read,
    goal=lambda p: f"a function {p['name']} with one argument that returns x {p['sign']} {p['number']}",
    probe=_probe,
)
