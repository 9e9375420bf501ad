import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.skills.masking import mask


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Load report.csv", "Load csv"),
        ("Load data/2024/report.CSV and /etc/hosts", "Load csv and"),
        (r"Open C:\data\sales.xlsx", "Open xlsx"),
        ("Move it to ./archive/ and ~/old", "Move it to and"),
        ("Show 'unit price' by \"region\" of `orders`", "Show by of"),
        ("Write the text “good bye” to 'notes.txt'", "Write the text to txt"),
        ("Add 12.5 and 3 to it, then 10%", "Add and to it, then"),
        ("See https://example.org/a?b=c and mail ann.lee@example.org", "See and mail"),
        ("Plot unit_price of @df2 with groupBy", "Plot of with"),
        ("Don't show the region's name", "Don't show the region's name"),
        ("Mean and/or median, e.g. of a DataFrame", "Mean and/or median, e.g. of a DataFrame"),
        ("Round it. Then save it.", "Round it. Then save it."),
        ("", ""),
        ("12", ""),
    ],
)
def test_what_is_told_by_its_shape_goes(text: str, left: str) -> None:
    assert mask(text) == left


@pytest.mark.parametrize(
    ("text", "code", "left"),
    [
        ("Sum price by region", "df.groupby('region')['price'].sum()", "Sum by"),
        ("Sum price by region", "df.groupby(df.region).price.sum()", "Sum by"),
        ("Keep rows with stock under 5", "df.query('stock < 5')", "Keep rows with under"),
        ("Count users in Rome", "q('SELECT COUNT(*) FROM users WHERE city = \"Rome\"')", "Count in"),
        ("Define a function clamp", "def clamp(x):\n    return x", "Define a function"),
        ("Store the average in result", "result = df['a'].mean()", "Store the average in"),
        ("Save it as a file called blue moon", "open('blue-moon.txt', 'w')", "Save it as a file called"),
        ("Save it as a file called blue moon", "open('bluemoon.txt', 'w')", "Save it as a file called"),
        ("Write markdown with the title Fox", "t = '# Fox\\n\\nrun'", "Write markdown with the title"),
        ("Put it in the folder spring", "Path('spring/a.csv')", "Put it in the folder"),
        ("Sum Price", "df['price'].sum()", "Sum"),
    ],
)
def test_what_the_code_has_as_data_goes(text: str, code: str, left: str) -> None:
    assert mask(text, code) == left


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Make a bar plot", "df.plot(kind='bar')"),
        ("Show the mean of each", "df.agg('mean')"),
        ("Save as json", "p.with_suffix('.json')"),
        ("Show the average", "average = df.mean()\nprint('average', average)"),
        ("Print rows that matter", "print(f'rows that matter: {n}')"),
        ("Describe the data frame", "df.describe()"),
        ("Clamp each value", 'def f(x):\n    """Clamp"""\n    return min(x, 1)'),
        ("Use numpy pi", "import numpy as np\nnp.pi"),
    ],
)
def test_words_for_what_is_done_stay(text: str, code: str) -> None:
    assert mask(text, code) == text


def test_a_name_of_several_words_goes_only_whole() -> None:
    assert mask("Save the moon as blue moon", "open('blue_moon.md')") == "Save the moon as"


@pytest.mark.parametrize(
    "code",
    [
        "df.groupby('region')['price'].sum(",
        "%matplotlib inline\ndf['region'], df['price']",
        "!ls\ndf['region'], df['price']",
        "def f(:\n  x = 'region'\n  y = \"price\"",
    ],
)
def test_code_need_not_parse(code: str) -> None:
    assert mask("Sum price by region", code) == "Sum by"


def test_deep_code_is_survived() -> None:
    assert mask("Sum price", "x = " + "(" * 5000) == "Sum price"
    assert mask("Sum price", "x = 1" + " + 1" * 50_000) == "Sum price"


@given(st.text(max_size=300), st.text(max_size=200))
def test_any_text_and_code_can_be_masked(text: str, code: str) -> None:
    masked = mask(text, code)
    assert "\n" not in masked
    assert masked == masked.strip()


@pytest.mark.timeout(20)  # an expression that runs back and forth takes minutes
@pytest.mark.parametrize(
    "unit", ["a.", "a/", "'", "a_", "1.", "x@", "http", "(", "\\", "a1", ". ", "<<", "é", "é.", "日"]
)
def test_long_texts_take_little_time(unit: str) -> None:
    mask(unit * 10_000 + (unit * 40 + " ") * 300, f"x = '{unit[0]}'")
