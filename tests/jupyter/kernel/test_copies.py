"""Copies of a session's objects."""

from __future__ import annotations

import datetime
import decimal
import io
import json
import pathlib
import pickle
import types
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from metaclaw_jlab.jupyter.kernel.copies import Copier, NotCopied

MEGABYTE = 1_000_000


class Own:
    """Stands for a class of the notebook."""


def copied(value: object, cap: int = MEGABYTE) -> Any:
    return pickle.loads(Copier(cap, clock=lambda: 0.0).copy(value))


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, (b"x", {3})], "b": "text"},
        Counter("abca"),
        [datetime.date(2024, 1, 2), datetime.timedelta(1), decimal.Decimal("1.5")],
        pathlib.PurePosixPath("a/b"),
        np.float64(3.5),
        pd.Timestamp("2024-01-01", tz="Europe/Berlin"),
    ],
)
def test_data_comes_back_as_it_was(value: object) -> None:
    assert copied(value) == value


def test_tables_come_back_as_they_were() -> None:
    frame = pd.DataFrame(
        {
            "a": [1, 2],
            "b": ["x", None],
            "c": pd.Categorical(["u", "v"]),
            "d": pd.to_datetime(["2024-01-01", "NaT"]),
            "e": [[1], {"k": 2}],
        },
        index=pd.MultiIndex.from_tuples([("n", 1), ("s", 2)]),
    )
    pd.testing.assert_frame_equal(copied(frame), frame)
    pd.testing.assert_series_equal(copied(frame["a"]), frame["a"])


def test_arrays_come_back_as_they_were() -> None:
    array = np.arange(12).reshape(3, 4)[:, ::2]
    np.testing.assert_array_equal(copied(array), array)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Own(), r"\(Own\) cannot be copied"),
        (Own, "is a class"),
        (lambda: 1, "is a function"),
        ([Own()], r"\(Own\) cannot be copied"),
        (pd.DataFrame({"a": [Own()]}), r"\(Own\) cannot be copied"),
        (io.StringIO("x"), r"\(StringIO\) cannot be copied"),
        ((number for number in [1]), r"\(generator\) cannot be copied"),
        (types.ModuleType("mine"), "a module that is not installed"),
    ],
)
def test_what_is_no_data_is_refused_by_its_kind(value: object, why: str) -> None:
    with pytest.raises(NotCopied, match=why):
        copied(value)


def test_modules_and_what_is_in_them_are_kept_by_their_names() -> None:
    assert copied(pd) is pd
    assert copied(json.dumps) is json.dumps
    assert copied(pathlib.Path) is pathlib.Path


def test_a_table_over_the_cap_is_refused_with_its_size_before_it_is_copied() -> None:
    copier = Copier(MEGABYTE, clock=lambda: 0.0)
    with pytest.raises(NotCopied, match=r"is 120 MB, more than the 1 MB that are kept of one task"):
        copier.copy(pd.DataFrame(np.zeros((1_000_000, 15))))


def test_what_grows_over_the_cap_while_it_is_copied_is_refused() -> None:
    with pytest.raises(NotCopied, match="makes it more than the 1 MB"):
        copied(list(range(1_000_000)))


def test_the_cap_is_for_all_of_a_task() -> None:
    copier = Copier(MEGABYTE, clock=lambda: 0.0)
    copier.copy(bytes(600_000))
    with pytest.raises(NotCopied, match="makes it more than the 1 MB"):
        copier.copy(bytes(600_000))


def test_copying_has_an_end() -> None:
    times = iter(range(100))
    with pytest.raises(NotCopied, match="longer to copy"):
        Copier(100 * MEGABYTE, clock=lambda: float(next(times))).copy([str(n) for n in range(100_000)])
