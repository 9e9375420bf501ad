import sys
import time

import pandas as pd
import pytest

from metaclaw_jlab.agent.references import Found, cut, describe, find_references
from metaclaw_jlab.core.task import Reference

SESSION: dict[str, object] = {
    "df": "a table",
    "In[3]": "x = 1",
    "Out[3]": "1",
    "Err": "KeyError: 'x'",
    "x_1": "y",
}


def names(text: str) -> list[str]:
    return [reference.name for reference in find_references(text, SESSION.get).references]


def test_each_kind_of_reference_is_found_in_its_order() -> None:
    assert names("Mend @Err in @In[3], see @Out[3] and @df's head, (@x_1).") == [
        "@Err",
        "@In[3]",
        "@Out[3]",
        "@df",
        "@x_1",
    ]


def test_a_reference_named_twice_is_sent_once() -> None:
    assert names("Join @df with @df") == ["@df"]


def test_an_unknown_name_stays_text_with_a_note() -> None:
    found = find_references("Ask @alice about @df", SESSION.get)
    assert found.references == (Reference("@df", "a table"),)
    assert found.notes == ("There is no alice in this session: @alice was left as text.",)


@pytest.mark.parametrize(
    "text",
    [
        "Write to someone@df.org",
        "Write to some.one+tag@df",
        "Follow @df@example.org",
        "Use `a@df`",
        "Keep\n@df\ndef f(): ...",
        "Keep\n    @df(1)\n    @other\n    async def f(): ...",
        "Keep\n@df\n\nclass A: ...",
        "Run\n```python\ny = @df\n```",
        "Run\n~~~\n@df",
        "costs 3@df",
        "@",
        "@3",
    ],
)
def test_what_is_no_reference_is_left_alone(text: str) -> None:
    assert find_references(text, SESSION.get) == Found()


def test_a_line_that_only_looks_like_a_decorator_is_a_reference() -> None:
    assert names("Describe\n@df\nand define nothing.") == ["@df"]


def test_braces_are_text() -> None:
    assert names("Put {@df} in {x!r}") == ["@df"]


def test_a_frame_is_described_by_shape_dtypes_and_first_rows() -> None:
    frame = pd.DataFrame({"city": ["Rome", "Oslo"] * 50, "n": range(100)})
    text = describe(frame)
    assert text.startswith("DataFrame, 100 rows x 2 columns\n")
    assert "n: int64" in text
    assert "Rome" in text
    assert "99" not in text


def test_a_wide_frame_says_what_it_left_out() -> None:
    assert "960 more columns" in describe(pd.DataFrame([range(1000)]))


def test_a_frame_with_equal_column_names_is_described() -> None:
    assert "2 columns" in describe(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_series_is_described_by_its_first_values() -> None:
    assert describe(pd.Series([1.5] * 9, name="n")).startswith("Series 'n', 9 values, dtype float64")


@pytest.mark.parametrize(
    "value", ["x" * 10_000, list(range(10_000)), {"a": "x" * 10_000}, ValueError("x" * 10_000), b"x" * 10_000]
)
def test_a_description_keeps_to_its_limit(value: object) -> None:
    assert len(describe(value, 500)) <= 500


def test_a_huge_container_is_not_written_out() -> None:
    value = {number: [number] for number in range(300_000)}
    started = time.perf_counter()
    describe(value, 500)
    assert time.perf_counter() - started < 0.1


def test_an_exception_keeps_its_end() -> None:
    error = ValueError("x" * 1000 + " the end")
    assert describe(error, 100).endswith("the end")


def test_a_repr_that_raises_is_said() -> None:
    class Broken:
        __slots__ = ()

        def __repr__(self) -> str:
            raise RuntimeError("no")

    text = describe(Broken())
    assert "Broken" in text


def test_text_within_the_limit_is_whole() -> None:
    assert cut("abc", 3) == "abc"


def test_the_module_needs_no_pandas() -> None:
    import subprocess

    code = (
        "import sys, metaclaw_jlab.agent.references as r; r.describe([1]); assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
