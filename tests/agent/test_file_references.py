from metaclaw_jlab.agent.file_references import (
    LINE_CHARS,
    MOST_FILES,
    NamedFile,
    file_names,
    file_references,
)
from metaclaw_jlab.core.task import Reference

TABLE = NamedFile("sales.csv", "city,cost\nRome,3\nOslo,4\nBern,5\n")


def test_words_that_look_like_files_are_found_once() -> None:
    text = "From sales.csv and data/old.v2.txt, then sales.csv, print 3.5 e.g. as a.b. Done."
    assert file_names(text) == ("sales.csv", "data/old.v2.txt", "e.g", "a.b")


def test_the_header_and_some_rows_are_shown() -> None:
    assert file_references([TABLE], 2) == (
        Reference("sales.csv", "city,cost\nRome,3\nOslo,4\n... (4 lines)"),
    )


def test_a_short_file_is_shown_whole() -> None:
    assert file_references([TABLE], 3)[0].text == TABLE.text.strip()


def test_a_file_of_which_only_the_beginning_is_known_says_so() -> None:
    assert file_references([NamedFile("a.txt", "x\n", whole=False)], 3)[0].text == "x\n..."


def test_no_rows_show_no_files() -> None:
    assert file_references([TABLE], 0) == ()


def test_long_lines_and_many_files_are_cut() -> None:
    found = file_references([NamedFile(f"{n}.txt", "y" * 5000) for n in range(9)], 3)
    assert len(found) == MOST_FILES
    assert len(found[0].text) <= LINE_CHARS
