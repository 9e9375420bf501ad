"""Families that show dates: one date, or a column of them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from random import Random

from metaclaw_jlab.practice.families.base import (
    Draft,
    Family,
    Params,
    Reading,
    Variant,
    View,
    column_texts,
    table_text,
)
from metaclaw_jlab.practice.families.numbers import READ
from metaclaw_jlab.practice.names import Names

FORMATS = {
    "iso": "%Y-%m-%d",
    "european": "%d/%m/%Y",
    "american": "%m/%d/%Y",
    "dotted": "%d.%m.%Y",
    "compact": "%Y%m%d",
}
_VARIANTS = (Variant("shown", ("date-format",)),)


def _distinct_day(rng: Random) -> datetime.date:
    while True:
        day = datetime.date(rng.randint(1990, 2035), rng.randint(1, 12), rng.randint(1, 28))
        if day.day != day.month:
            return day


def _draw_date(rng: Random, _names: Names, _variant: Variant) -> Draft:
    day = _distinct_day(rng)
    params = {"year": day.year, "month": day.month, "day": day.day}
    return Draft(params, {}, {key: str(value) for key, value in params.items()})


def _read_date(params: Params, view: View) -> Iterator[Reading]:
    day = datetime.date(params["year"], params["month"], params["day"])
    for option, pattern in FORMATS.items():
        if len(view.lines) == 1 and view.lines[0].strip().strip("'\"") == day.strftime(pattern):
            yield Reading({"date-format": option})


DATE = Family(
    name="date",
    variants=_VARIANTS,
    wordings=(
        "Show day {day} of month {month} of {year} as a date",
        "Print the date of day {day}, month {month}, year {year}",
        "Print year {year}, month {month}, day {day} as a date",
        "Show the date with year {year}, month {month} and day {day}",
        "Print day {day} of month {month} in {year} as a date",
        "Show the date of month {month}, day {day}, year {year}",
        "Print the date with day {day}, month {month} and year {year}",
        "Show year {year}, month {month}, day {day} as a date",
    ),
    draw=_draw_date,
    code=lambda p, o: (
        "from datetime import date\n"
        f"print(date({p['year']}, {p['month']}, {p['day']}).strftime('{FORMATS[o['date-format']]}'))"
    ),
    read=_read_date,
    goal=lambda p: f"one line with the date of day {p['day']}, month {p['month']}, year {p['year']}",
    shown=lambda p, _files, o: (
        datetime.date(p["year"], p["month"], p["day"]).strftime(FORMATS[o["date-format"]]) + "\n"
    ),
)


def _draw_column(rng: Random, names: Names, _variant: Variant) -> Draft:
    name, other, file = names.column(), names.column(), f"{names.file()}.csv"
    rows = [(_distinct_day(rng).isoformat(), rng.randint(5, 99)) for _ in range(3)]
    params = {"column": name, "file": file}
    return Draft(params, {file: table_text((name, other), rows)}, dict(params))


def _days(params: Params, start: Mapping[str, str]) -> list[datetime.date]:
    return [
        datetime.date.fromisoformat(cell) for cell in column_texts(start[params["file"]], params["column"])
    ]


def _read_column(params: Params, view: View) -> Iterator[Reading]:
    if not 1 <= len(view.lines) <= 6:
        return
    text = "\n".join(view.lines)
    shown = re.findall(r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}|\d\d\.\d\d\.\d{4}|\b\d{8}\b", text)
    left = re.findall(r"\d{2,}", re.sub(r"\d{4}-\d\d-\d\d|\d\d[/.]\d\d[/.]\d{4}|\b\d{8}\b", "", text))
    for option, pattern in FORMATS.items():
        if not left and shown == [day.strftime(pattern) for day in _days(params, view.start)]:
            yield Reading({"date-format": option})


DATE_COLUMN = Family(
    name="date_column",
    variants=_VARIANTS,
    wordings=(
        "Show the dates in column {column} of {file}",
        "Print every date of {column} in {file}",
        "Load {file} and print the dates of {column}",
        "Show every date in {column} from {file}",
        "In {file} show the dates of column {column}",
        "From {file} print the dates in column {column}",
        "Print the dates in {column} of {file}",
        "Load {file} and show every date of column {column}",
    ),
    draw=_draw_column,
    code=lambda p, o: (
        READ.format(**p)
        + f"print(pd.to_datetime(df['{p['column']}']).dt.strftime('{FORMATS[o['date-format']]}').tolist())"
    ),
    read=_read_column,
    goal=lambda p: f"the dates in {p['column']} of {p['file']}",
    shown=lambda p, f, o: f"{[day.strftime(FORMATS[o['date-format']]) for day in _days(p, f)]}\n",
)
