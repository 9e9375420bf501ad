import html.parser
from collections.abc import Sequence
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from metaclaw_jlab.inspection.finding import fail, ok, warn
from metaclaw_jlab.jupyter.kernel.commands import run_command
from metaclaw_jlab.jupyter.kernel.doctor_card import doctor_card
from metaclaw_jlab.jupyter.kernel.shown import bundles

NASTY = "<script>alert(1)</script> | `x` [a](javascript:b) \u202e"


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.found.append(tag)


def test_the_card_is_text_markdown_and_html_with_the_command() -> None:
    (found,) = bundles(doctor_card([ok("a", "Fine."), fail("b", "Bad.", "Mend it.", "mend all")]))
    assert {"text/plain", "text/markdown", "text/html"} == set(found)
    assert all("mend all" in str(text) for text in found.values())


def test_what_failed_stands_first() -> None:
    shown = doctor_card([ok("fine", "x"), warn("so so", "x", "y"), fail("bad", "x", "y")])
    table = shown.blocks[-1]
    assert [row[1] for row in table.rows] == ["bad", "so so", "fine"]  # type: ignore[union-attr]


def test_a_finding_is_no_markup() -> None:
    (found,) = bundles(doctor_card([fail(NASTY, NASTY, NASTY, NASTY)]))
    tags = Tags()
    tags.feed(str(found["text/html"]))
    assert "script" not in tags.found
    assert "<script" not in str(found["text/markdown"])


def test_a_home_that_cannot_be_opened_is_a_finding(shell: InteractiveShell, home: Path) -> None:
    home.write_text("in the way")
    shown = run_command(shell.magics_manager.registry["MetaclawMagics"].session, ["doctor"])
    home.unlink()
    assert str(home) in str(shown)
