"""Families that compute numbers: a statistic shown or kept in a variable, a ratio and a count of lines."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from metaclaw_jlab.practice.families.base import (
    Draft,
    Family,
    Options,
    Params,
    Reading,
    Variant,
    View,
    column,
    table_text,
)
from metaclaw_jlab.practice.names import Names

READ = "import pandas as pd\ndf = pd.read_csv('{file}')\n"
AGGREGATES: Mapping[str, tuple[tuple[str, ...], Callable[[list[float]], float]]] = {
    "sum": (("sum", "total"), lambda v: float(sum(v))),
    "max": (("maximum", "largest value"), max),
    "min": (("minimum", "smallest value"), min),
    "median": (("median",), statistics.median),
    "mean": (("mean", "average"), statistics.fmean),
    "std": (("standard deviation",), statistics.stdev),
}
_WHOLE = ("sum", "max", "min", "median")
_LONG = ("mean", "std")
_GAP_NOTES = ("(with gaps)", "(some cells are empty)", "(some values are missing)", "(it has gaps)")
FILLS: Mapping[str, float | None] = {"skip": None, "zero": 0.0, "one": 1.0}
_NUMBER = re.compile(r"(.*?)[\s:=]*(-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*")


def rounded(expression: str, options: Options) -> str:
    """The expression, rounded where the options say so."""
    digits = options.get("rounding", "none")
    return expression if digits == "none" else f"round({expression}, {digits})"


def printed(expression: str, options: Options) -> str:
    """A print of the expression with the house's label."""
    label = options.get("value-label", "none")
    return f"print({expression})" if label == "none" else f"print('{label}', {expression})"


def rounding_options(shown: float, exact: float) -> list[str]:
    """The rounding options under which the exact value would be shown like this."""
    found = [digits for digits in "1234" if abs(shown - round(exact, int(digits))) < 1e-9]
    if abs(shown - exact) <= 1e-8 * max(1.0, abs(exact)):
        found.append("none")
    return found


def numbered(line: str) -> tuple[str, float] | None:
    """Label and number of a line that ends with a number."""
    match = _NUMBER.fullmatch(line)
    if match is None:
        return None
    return match[1].strip() or "none", float(match[2])


def _values(params: Params, start: Mapping[str, str], fill: float | None) -> list[float]:
    cells = column(start[params["file"]], params["column"])
    filled = [fill if cell is None else cell for cell in cells]
    return [cell for cell in filled if cell is not None]


def _exact(params: Params, start: Mapping[str, str], options: Options) -> float:
    fill = FILLS[options.get("gap-values", "skip")]
    return AGGREGATES[params["aggregate"]][1](_values(params, start, fill))


def _candidates(rules: tuple[str, ...]) -> Iterator[dict[str, str]]:
    fills = list(FILLS) if "gap-values" in rules else [""]
    yield from ({"gap-values": fill} if fill else {} for fill in fills)


def _number_readings(params: Params, start: Mapping[str, str], shown: float) -> Iterator[dict[str, str]]:
    for options in _candidates(tuple(params["rules"])):
        exact = _exact(params, start, options)
        for digits in rounding_options(shown, exact):
            if "rounding" in params["rules"]:
                yield {**options, "rounding": digits}
            elif digits == "none":
                yield options


def _expression(params: Params, options: Options) -> str:
    fill = FILLS[options.get("gap-values", "skip")]
    filled = "" if fill is None else f".fillna({fill:.0f})"
    return rounded(f"df['{params['column']}']{filled}.{params['aggregate']}()", options)


def is_long(value: float) -> bool:
    return len({round(value, digits) for digits in (1, 2, 3, 4)} | {value}) == 5


def _draw(rng: Random, names: Names, variant: Variant) -> Draft:
    gaps = "gap-values" in variant.rules
    if gaps:
        aggregate = "mean" if "rounding" in variant.rules else "min"
    else:
        aggregate = rng.choice(_LONG if "rounding" in variant.rules else _WHOLE)
    name, other, file = names.column(), names.column(), f"{names.file()}.csv"
    while True:
        values: list[int | None] = [rng.randint(5, 99) for _ in range(9 if gaps else 7)]
        if gaps:
            values[rng.randint(1, 4)] = values[rng.randint(5, 8)] = None
        rows = [(value, rng.randint(5, 99)) for value in values]
        start = {file: table_text((name, other), rows)}
        params: dict[str, Any] = {
            "aggregate": aggregate,
            "column": name,
            "file": file,
            "rules": list(variant.rules),
        }
        exact = [_exact(params, start, options) for options in _candidates(variant.rules)]
        if "rounding" not in variant.rules or all(map(is_long, exact)):
            break
    text = f"{name} {rng.choice(_GAP_NOTES)}" if gaps else name
    fields = {"aggregate": rng.choice(AGGREGATES[aggregate][0]), "column": text, "file": file}
    return Draft(params, start, fields)


def _statistic_shown(params: Params, start: Mapping[str, str], options: Options) -> str:
    value = _exact(params, start, options)
    digits = options.get("rounding", "none")
    number = repr(value if digits == "none" else round(value, int(digits)))
    if params["aggregate"] in ("sum", "max", "min") and "gap-values" not in params["rules"]:
        number = str(int(value))
    label = options.get("value-label", "none")
    return f"{number}\n" if label == "none" else f"{label} {number}\n"


def _read_statistic(params: Params, view: View) -> Iterator[Reading]:
    line = numbered(view.lines[0]) if len(view.lines) == 1 else None
    if line is not None:
        for options in _number_readings(params, view.start, line[1]):
            yield Reading({**options, "value-label": line[0]})


STATISTIC = Family(
    name="statistic",
    variants=(
        Variant("whole", ("value-label",)),
        Variant("long", ("rounding", "value-label")),
        Variant("whole-gaps", ("gap-values", "value-label")),
        Variant("long-gaps", ("gap-values", "rounding", "value-label")),
    ),
    wordings=(
        "Show the {aggregate} of {column} in {file}",
        "Print the {aggregate} of {column} from {file}",
        "In {file} show the {aggregate} of {column}",
        "Show the {aggregate} of column {column} of {file}",
        "Load {file} and print the {aggregate} of {column}",
        "From {file} print the {aggregate} of column {column}",
        "Print the {aggregate} of column {column} in {file}",
        "Load {file} and show the {aggregate} of column {column}",
    ),
    draw=_draw,
    code=lambda p, o: READ.format(**p) + printed(_expression(p, o), o),
    read=_read_statistic,
    goal=lambda p: f"one line with the {AGGREGATES[p['aggregate']][0][0]} of {p['column']}",
    shown=_statistic_shown,
)


def _draw_variable(rng: Random, names: Names, variant: Variant) -> Draft:
    draft = _draw(rng, names, variant)
    name = names.word()
    return Draft({**draft.params, "name": name}, draft.files, {**draft.fields, "name": name})


def _read_variable(params: Params, view: View) -> Iterator[Reading]:
    if not view.lines and isinstance(view.probe, (int, float)):
        for options in _number_readings(params, view.start, float(view.probe)):
            yield Reading(options)


VARIABLE = Family(
    name="variable",
    variants=(
        Variant("long", ("rounding",)),
        Variant("whole-gaps", ("gap-values",)),
        Variant("long-gaps", ("gap-values", "rounding")),
    ),
    wordings=(
        "Set {name} to the {aggregate} of {column} in {file}",
        "Store the {aggregate} of {column} from {file} in the variable {name}",
        "Keep the {aggregate} of column {column} in {file} as {name}",
        "Load {file} and set {name} to the {aggregate} of {column}",
        "From {file} store the {aggregate} of column {column} in {name}",
        "Set the variable {name} to the {aggregate} of {column} of {file}",
        "In {file} take the {aggregate} of {column} and keep it as {name}",
        "Store the {aggregate} of column {column} of {file} as the variable {name}",
    ),
    draw=_draw_variable,
    code=lambda p, o: READ.format(**p) + f"{p['name']} = {_expression(p, o)}",
    read=_read_variable,
    goal=lambda p: (
        f"a variable {p['name']} that holds the {AGGREGATES[p['aggregate']][0][0]} of {p['column']}"
    ),
    probe=lambda p: f"float({p['name']})",
)


def _draw_ratio(rng: Random, names: Names, _variant: Variant) -> Draft:
    top, bottom, file = names.column(), names.column(), f"{names.file()}.csv"
    while True:
        rows = [(rng.randint(5, 99), rng.randint(5, 99)) for _ in range(6)]
        if is_long(sum(a for a, _ in rows) / sum(b for _, b in rows)):
            break
    params = {"top": top, "bottom": bottom, "file": file}
    return Draft(params, {file: table_text((top, bottom), rows)}, dict(params))


def _ratio(params: Params, start: Mapping[str, str]) -> float:
    totals = [
        sum(cell for cell in column(start[params["file"]], params[key]) if cell is not None)
        for key in ("top", "bottom")
    ]
    return totals[0] / totals[1]


def _read_ratio(params: Params, view: View) -> Iterator[Reading]:
    line = numbered(view.lines[0]) if len(view.lines) == 1 else None
    if line is not None:
        for digits in rounding_options(line[1], _ratio(params, view.start)):
            yield Reading({"rounding": digits, "value-label": line[0]})


def _ratio_shown(params: Params, start: Mapping[str, str], options: Options) -> str:
    value, digits = _ratio(params, start), options.get("rounding", "none")
    label = options.get("value-label", "none")
    number = repr(value if digits == "none" else round(value, int(digits)))
    return f"{number}\n" if label == "none" else f"{label} {number}\n"


RATIO = Family(
    name="ratio",
    variants=(Variant("printed", ("rounding", "value-label")),),
    wordings=(
        "Show the total of {top} divided by the total of {bottom} in {file}",
        "Print the ratio of total {top} to total {bottom} in {file}",
        "Divide the sum of {top} by the sum of {bottom} in {file} and show it",
        "In {file} divide total {top} by total {bottom} and print it",
        "Load {file} and show the ratio of the sum of {top} to the sum of {bottom}",
        "From {file} print the sum of {top} divided by the sum of {bottom}",
        "Show the ratio of total {top} to total {bottom} from {file}",
        "In {file} show the total of {top} divided by the total of {bottom}",
    ),
    draw=_draw_ratio,
    code=lambda p, o: (
        READ.format(**p) + printed(rounded(f"df['{p['top']}'].sum() / df['{p['bottom']}'].sum()", o), o)
    ),
    read=_read_ratio,
    goal=lambda p: f"one line with the sum of {p['top']} over the sum of {p['bottom']}",
    shown=_ratio_shown,
)


def _draw_lines(rng: Random, names: Names, _variant: Variant) -> Draft:
    file = f"{names.file()}.txt"
    text = "".join(f"{names.word()}\n" for _ in range(rng.randint(3, 9)))
    return Draft({"file": file}, {file: text}, {"file": file})


def _read_lines(params: Params, view: View) -> Iterator[Reading]:
    line = numbered(view.lines[0]) if len(view.lines) == 1 else None
    if line is not None and line[1] == view.start[params["file"]].count("\n"):
        yield Reading({"value-label": line[0]})


def _lines_shown(params: Params, start: Mapping[str, str], options: Options) -> str:
    label, number = options.get("value-label", "none"), start[params["file"]].count("\n")
    return f"{number}\n" if label == "none" else f"{label} {number}\n"


LINES = Family(
    name="lines",
    variants=(Variant("printed", ("value-label",)),),
    wordings=(
        "Show how many lines {file} has",
        "Print the number of lines in {file}",
        "Count the lines of {file} and print the number",
        "Show the number of lines of {file}",
        "Count the lines in {file} and show the number",
        "Print how many lines are in {file}",
        "Load {file} and show how many lines it has",
        "Print the number of lines {file} has",
    ),
    draw=_draw_lines,
    code=lambda p, o: printed(f"len(open('{p['file']}').readlines())", o),
    read=_read_lines,
    goal=lambda p: f"one line with the number of lines in {p['file']}",
    shown=_lines_shown,
)
