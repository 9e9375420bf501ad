from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from metaclaw_jlab.engines.text_stream import REPLACEMENT, TextStream, TokenScore

TEXTS = st.text(st.characters(exclude_characters=REPLACEMENT, exclude_categories=["Cs"]), max_size=40)


def decode(ids: Sequence[int]) -> str:
    return bytes(ids).decode("utf-8", errors="replace")


def pieces(text: str, stop: tuple[str, ...] = ()) -> list[str]:
    """One token a byte, until the stream stops."""
    stream = TextStream(decode, stop)
    found = []
    for byte in text.encode():
        found.append(stream.push(byte).text)
        if stream.stopped:
            break
    return [*found, stream.finish().text]


@settings(deadline=None)
@given(TEXTS)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@settings(deadline=None)
@given(TEXTS)
def test_no_piece_holds_a_part_of_a_character(text: str) -> None:
    assert not any(REPLACEMENT in piece for piece in pieces(text))


@settings(deadline=None)
@given(TEXTS, st.lists(st.text("ab\nc", min_size=1, max_size=4), min_size=1, max_size=3))
def test_the_text_ends_before_the_stop_string_that_is_complete_first(text: str, stop: list[str]) -> None:
    ends = [text.find(one) + len(one) for one in stop if one in text]
    expected = text
    if ends:
        seen = text[: min(ends)]
        expected = seen[: min(seen.find(one) for one in stop if one in seen)]
    assert "".join(pieces(text, tuple(stop))) == expected


def test_text_is_sent_as_soon_as_no_stop_string_can_begin_in_it() -> None:
    assert pieces("a``b", ("```",)) == ["a", "", "", "``b", ""]


def test_what_is_held_for_a_stop_string_comes_at_the_end() -> None:
    assert pieces("a``", ("```",)) == ["a", "", "", "``"]


def test_a_cut_character_at_the_end_is_marked() -> None:
    stream = TextStream(decode)
    assert (stream.push(0xE2).text, stream.finish().text) == ("", REPLACEMENT)


def test_the_first_word_keeps_its_blank_after_a_prompt() -> None:
    def sentencepiece(ids: Sequence[int]) -> str:
        return "".join([" one", " two"][i] for i in ids).removeprefix(" ")

    assert TextStream(sentencepiece, context=[0]).push(1).text == " two"


def scored(text: str, stop: tuple[str, ...] = ()) -> list[tuple[int, int]]:
    """Token and offset of the scores that are released."""
    stream = TextStream(decode, stop)
    found: list[TokenScore] = []
    for byte in text.encode():
        found += stream.push(byte, TokenScore(byte, -1.0)).scores
        if stream.stopped:
            break
    found += stream.finish().scores
    return [(score.token, score.offset) for score in found]


def test_scores_tell_where_their_token_begins() -> None:
    assert scored("aéb") == [(0x61, 0), (0xC3, 1), (0xA9, 1), (0x62, 2)]


def test_scores_of_a_stop_string_are_left_out() -> None:
    assert scored("abSTOP", ("STOP",)) == [(0x61, 0), (0x62, 1)]
