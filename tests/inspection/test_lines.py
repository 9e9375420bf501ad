from metaclaw_jlab.inspection.lines import counted, one_line, rows, shortened


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
