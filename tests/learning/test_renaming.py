from metaclaw_jlab.learning.renaming import other_names, renamed


def test_variation_0_changes_nothing() -> None:
    assert other_names(["price"], 0) == {}
    assert renamed("price", {}) == "price"


def test_names_are_equal_for_equal_arguments_and_differ_between_variations() -> None:
    assert other_names(["price"], 1) == other_names(["price"], 1)
    assert other_names(["price"], 1) != other_names(["price"], 2)


def test_a_capital_stays_a_capital() -> None:
    assert other_names(["Price"], 1)["Price"][0].isupper()


def test_whole_words_are_renamed_wherever_they_are_parted_by_signs() -> None:
    names = {"price": "velar", "item": "dobu"}
    assert renamed("item_price.csv, prices, price2", names) == "dobu_velar.csv, prices, velar2"


def test_signs_and_numbers_are_no_names() -> None:
    assert other_names(["a1", "42", "x", ".bak"], 1) == {}
