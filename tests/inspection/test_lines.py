import pytest

from metaclaw_jlab.inspection.lines import (
    counted,
    did_you_mean,
    one_line,
    plain,
    rows,
    shortened,
    size,
    some,
    sparkline,
    table,
    unified,
)


def test_rows_are_aligned() -> None:
    assert rows([("a", "x"), ("long", "y")], indent="  ") == ["  a     x", "  long  y"]


def test_rows_of_nothing_are_none() -> None:
    assert rows([]) == []


def test_one_line_folds_and_cuts() -> None:
    assert one_line("a\n  b", 10) == "a b"
    assert one_line("abcdef", 4) == "abc…"


def test_shortened_says_how_many_lines_are_left_out() -> None:
    assert shortened("1\n2\n3\n4\n", 2, 10) == ["1", "2", "… 2 lines more"]


def test_shortened_keeps_what_fits() -> None:
    assert shortened("1\n2\n", 2, 10) == ["1", "2"]


def test_shortened_cuts_long_lines() -> None:
    assert shortened("x" * 20, 2, 5) == ["xxxx…"]


def test_shortened_of_nothing_is_nothing() -> None:
    assert shortened(" \n", 2, 5) == []


def test_counted_knows_the_plural() -> None:
    assert [counted(1, "step"), counted(0, "step"), counted(1200, "entry", "entries")] == [
        "1 step",
        "0 steps",
        "1,200 entries",
    ]


def test_what_steers_a_terminal_is_replaced() -> None:
    assert plain("\x1b[2Ja\tb\nc\x9b\u202e") == "\ufffd[2Ja\tb\nc\ufffd\ufffd"


def test_a_table_is_aligned_and_empty_columns_take_no_room() -> None:
    assert table([("a", "", "x"), ("long", "", "y")], indent=" ") == [" a     x", " long  y"]
    assert table([]) == []


def test_some_names_say_how_many_are_left_out() -> None:
    assert some(("a", "b"), 2) == "a, b"
    assert some(("a", "b", "c"), 1) == "a and 2 more"


def test_a_diff_names_both_sides() -> None:
    assert unified("a\nb", "a\nc", "g1", "g2") == ("--- g1", "+++ g2", "@@ -1,2 +1,2 @@", " a", "-b", "+c")
    assert unified("a", "a", "g1", "g2") == ()


def test_the_nearest_name_is_suggested() -> None:
    assert did_you_mean("csv-seperator", ["csv-separator", "dates"], "-") == "Did you mean csv-separator?"
    assert did_you_mean("x", ["dates"], "See all.") == "See all."


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([0.0, 1.0], "▁█"),
        ([2.0, 2.0], "▁▁"),
        ([-1.0, 0.0, float("nan"), 1.0], "▁▅█"),
        ([float("nan")], ""),
    ],
)
def test_a_sparkline_goes_from_the_lowest_to_the_highest(values: list[float], line: str) -> None:
    assert sparkline(values, 9) == line


def test_a_long_sparkline_is_averaged_to_fit() -> None:
    assert sparkline([0, 0, 1, 1, 2, 2], 3) == "▁▅█"
    assert len(sparkline(list(range(1000)), 30)) == 30


@pytest.mark.parametrize(
    ("number", "words"), [(100, "0 kB"), (2048, "2 kB"), (3 << 20, "3 MB"), (3 << 29, "1.5 GB")]
)
def test_sizes_are_said_roughly(number: int, words: str) -> None:
    assert size(number) == words
