import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.executors.observation import Clip, clean, cut, decode


def test_what_fits_is_kept_whole() -> None:
    assert cut("abc", 3) == ("abc", 0)


def test_the_first_and_the_last_part_are_kept() -> None:
    text, left_out = cut("a" * 50 + "b" * 50, 30)
    assert text.startswith("a" * 20)
    assert text.endswith("b" * 10)
    assert left_out == 70


@given(st.binary(max_size=400), st.integers(3, 200), st.integers(1, 50))
def test_a_clip_keeps_what_a_cut_keeps(data: bytes, limit: int, piece: int) -> None:
    clip = Clip(limit)
    for start in range(0, len(data), piece):
        clip.feed(data[start : start + piece])
    text, left_out = cut(data.decode("utf-8", "replace"), limit)
    assert clip.finish() == (clean(text), left_out)


def test_a_clip_shows_only_its_first_part_as_it_comes() -> None:
    clip = Clip(5)
    assert [clip.feed(b"abc"), clip.feed(b"def"), clip.feed(b"ghi")] == ["abc", "de", ""]


@given(st.binary())
def test_any_bytes_become_text_that_can_be_stored(data: bytes) -> None:
    text = decode(data)
    assert "\0" not in text
    assert text.encode().decode() == text


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x00b", "a\ufffdb"),
        ("\udc80", "?"),
        ("größer\t1\r\n", "größer\t1\r\n"),
        ("\x1b]0;title\x07x", "x"),
    ],
)
def test_terminal_sequences_and_control_characters_go(raw: str, kept: str) -> None:
    assert clean(raw) == kept
