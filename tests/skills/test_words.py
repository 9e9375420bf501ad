import pytest

from metaclaw_jlab.skills.words import clause_words, words


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sort rows. Then plot them", [["sort", "row"], ["plot"]]),
        ("Sort rows, then plot", [["sort", "row"], ["plot"]]),
        ("Sort rows and after that plot", [["sort", "row"], ["plot"]]),
        ("Load a.csv; round to 3.5\nplot", [["load", "csv"], ["round", "3", "5"], ["plot"]]),
        ("Of the.", []),
        ("日本。英国", [["日", "本"], ["英", "国"]]),
        ("", []),
    ],
)
def test_a_text_is_parted_into_its_steps(text: str, expected: list[list[str]]) -> None:
    assert clause_words(text) == expected


def test_steps_over_the_eighth_are_one() -> None:
    found = clause_words("\n".join(f"step{n}" for n in range(12)))
    assert len(found) == 8
    assert found[-1] == [word for n in range(7, 12) for word in ("step", str(n))]
