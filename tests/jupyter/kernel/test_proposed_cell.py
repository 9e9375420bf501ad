import pytest

from metaclaw_jlab.jupyter.kernel.proposed_cell import (
    Mark,
    code_of,
    does_nothing,
    marks_in,
    parses,
    proposed_cell,
    same_code,
)

ID = "3f9c0d81a2b7"


def plain(code: str) -> str:
    return code


@pytest.mark.parametrize("mark", [Mark(ID), Mark(ID, 1), Mark(ID, 41)])
def test_a_cell_gives_back_its_mark_and_code(mark: Mark) -> None:
    cell = proposed_cell(mark, "x = 1\ny = 2")
    assert (marks_in(cell), code_of(cell)) == ((mark,), "x = 1\ny = 2")


def test_the_first_steps_mark_is_the_bare_id() -> None:
    assert proposed_cell(Mark(ID), "x").startswith(f"# metaclaw:{ID}\n")


@pytest.mark.parametrize(
    "cell",
    [
        f"%%time\n# metaclaw:{ID}\nx = 1",
        f"%%capture out\n%%time\n\n#metaclaw: {ID}\nx = 1\n",
        f"x = 1\n# metaclaw:{ID}",
    ],
)
def test_the_mark_and_magics_around_do_not_belong_to_the_code(cell: str) -> None:
    assert (marks_in(cell), code_of(cell)) == ((Mark(ID),), "x = 1")


def test_a_magic_that_runs_something_else_belongs_to_the_code() -> None:
    assert code_of("%%writefile x.py\nx = 1") == "%%writefile x.py\nx = 1"


@pytest.mark.parametrize(
    "cell",
    [f"print('# metaclaw:{ID}')", "# metaclaw:later", f"%%metaclaw\nMend this:\n# metaclaw:{ID}\nx = 1"],
)
def test_no_other_text_is_a_mark(cell: str) -> None:
    assert marks_in(cell) == ()


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("x = 1", "x=1  # one", True),
        ("f('a')", 'f("a")', True),
        ("x = 1", "x = 2", False),
        ("def f(:", "def f(:", True),
        ("def f(:", "x = 1", False),
    ],
)
def test_code_is_compared_without_comments_and_blanks(first: str, second: str, same: bool) -> None:
    assert same_code(first, second, plain) is same


def test_comments_do_nothing() -> None:
    assert does_nothing("# nothing\n\n", plain)
    assert not does_nothing("pass", plain)


def test_what_cannot_be_parsed_is_told() -> None:
    assert parses("await x", plain)
    assert not parses("x = (", plain)
