import pytest
from IPython.core.error import UsageError

from metaclaw_jlab.core.task import CheckKind
from metaclaw_jlab.jupyter.kernel.arguments import CellOptions, HelpShown, parse_cell_options


def test_an_empty_line_leaves_all_to_the_configuration() -> None:
    assert parse_cell_options("") == CellOptions()


def test_checks_are_kept_in_order() -> None:
    options = parse_cell_options("""--check "a == 'x'" --check b""")
    assert [check.source for check in options.checks] == ["a == 'x'", "b"]
    assert {check.kind for check in options.checks} == {CheckKind.EXPRESSION}


def test_options_are_never_guessed_from_their_beginnings() -> None:
    with pytest.raises(UsageError):
        parse_cell_options("--st 3")


def test_help_ends_the_parsing_only() -> None:
    with pytest.raises(HelpShown):
        parse_cell_options("--help")


def test_a_comment_behind_a_check_is_its_feedback() -> None:
    (check,) = parse_cell_options("""--check "day == '#1'  # write dates as ISO 8601" """).checks
    assert (check.source, check.feedback) == ("day == '#1'", "write dates as ISO 8601")


def test_a_check_without_comment_has_no_feedback_of_its_own() -> None:
    (check,) = parse_cell_options("--check x==1").checks
    assert (check.source, check.feedback) == ("x==1", "")
