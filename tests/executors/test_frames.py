import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.executors.frames import FrameReader, pack, receive, send, unpack


def bytes_of(header: dict[str, object], blob: bytes) -> bytes:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, header, blob)
        return theirs.recv(1 << 16)


@given(st.dictionaries(st.text(), st.text()), st.binary(max_size=200), st.integers(1, 40))
def test_a_frame_is_put_together_from_any_pieces(header: dict[str, str], blob: bytes, size: int) -> None:
    data = bytes_of(dict(header), blob)
    reader = FrameReader(1 << 20)
    frames = [reader.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert frames[-1] == (header, blob)
    assert not any(frames[:-1])


def test_a_frame_over_the_limit_is_refused_before_it_has_come() -> None:
    with pytest.raises(ValueError, match="longer"):
        FrameReader(10).feed(bytes_of({"a": "b" * 20}, b"")[:12])


def test_a_header_that_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="no object"):
        FrameReader(100).feed(b"\0\0\0\1" + b"\0" * 8 + b"1")


def test_the_end_of_the_stream_is_none() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        assert receive(theirs, FrameReader(10)) is None


@given(st.dictionaries(st.text(min_size=1), st.binary()))
def test_files_come_back_as_they_were_packed(files: dict[str, bytes]) -> None:
    assert unpack(pack(files)) == files
