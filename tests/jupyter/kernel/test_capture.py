"""What a cell puts out is taken down, and reaches its streams as it would have."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.jupyter.kernel.capture import Capture

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Broken:
    def __repr__(self) -> str:
        raise ValueError("no picture of me")


def test_streams_keep_their_identity(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    capture = Capture(shell, 100)
    capture.start()
    assert sys.stdout is before
    sys.stdout.write("told\n")
    capture.stop()
    assert capture.observation(None, None).stdout == "told\n"
    assert capsys.readouterr().out == "told\n"


def test_what_follows_the_end_is_not_taken_down(shell: InteractiveShell) -> None:
    capture = Capture(shell, 100)
    capture.start()
    kept = sys.stdout.write
    capture.stop()
    kept("late")
    sys.stdout.write("later\n")
    assert capture.observation(None, None).stdout == ""


def test_a_stream_replaced_meanwhile_stays(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = Capture(shell, 100)
    capture.start()

    def mine(text: str) -> int:
        return len(text)

    monkeypatch.setattr(sys.stdout, "write", mine)
    capture.stop()
    assert sys.stdout.write is mine


def test_what_is_no_text_is_refused_as_always(shell: InteractiveShell) -> None:
    capture = Capture(shell, 100)
    capture.start()
    try:
        with pytest.raises(TypeError):
            sys.stdout.write(b"bytes")  # type: ignore[arg-type]
    finally:
        capture.stop()


def test_an_object_that_cannot_be_shown_is_named(shell: InteractiveShell) -> None:
    capture = Capture(shell, 100)
    result = capture.observation(Broken(), None).result
    assert result is not None
    assert "Broken" in result


def test_a_terminals_own_result_line_is_no_output(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = Capture(shell, 100)
    capture.start()
    outcome = shell.run_cell("print('own')\n6 * 7")
    capture.stop()
    assert "42" in capsys.readouterr().out
    observation = capture.observation(outcome.result, None)
    assert (observation.stdout, observation.result) == ("own\n", "42")
