import pytest

from metaclaw_jlab.skills.words import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("csv_separator", ["csv", "separator"]),
        ("iso-dates", ["iso", "dat"]),
        ("prices2024.csv", ["pric", "2024", "csv"]),
        ("groupBy", ["group"]),
        ("What is the mean of it?", ["mean"]),
        ("日期 ok", ["日", "期", "ok"]),
        ("Größe", ["größ"]),
        ("", []),
    ],
)
def test_words_are_lower_case_pieces_without_common_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("date", "dates", "dated"),
        ("save", "saves", "saved", "saving"),
        ("copy", "copies"),
        ("stop", "stopped", "stopping"),
        ("add", "adds", "added"),
        ("table", "tables"),
    ],
)
def test_forms_of_a_word_are_compared_as_one(forms: tuple[str, ...]) -> None:
    assert len({tuple(words(form)) for form in forms}) == 1


@pytest.mark.parametrize("word", ["css", "status", "axis", "red", "ring", "use"])
def test_words_that_only_look_inflected_stay_themselves_or_go_together(word: str) -> None:
    assert words(word) in ([word], [])
