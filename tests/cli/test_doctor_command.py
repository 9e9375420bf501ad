from collections.abc import Callable
from pathlib import Path
from typing import Any

Metaclaw = Callable[..., Any]


def levels(told: dict[str, Any]) -> dict[str, str]:
    return {finding["name"]: finding["level"] for finding in told["findings"]}


def test_what_was_looked_at_is_shown_and_progress_goes_elsewhere(metaclaw: Metaclaw) -> None:
    ran = metaclaw("doctor")
    assert ran.code == 0
    assert "python" in ran.out
    assert "looking at" not in ran.out
    assert "looking at policy" in ran.err


def test_a_failure_found_is_a_diagnosis_done(metaclaw: Metaclaw, home: Path) -> None:
    metaclaw("status")
    (home / "metaclaw.db").write_bytes(b"no database" * 1000)
    ran = metaclaw("doctor", "--json")
    assert (ran.code, ran.json["healthy"]) == (0, False)
    assert levels(ran.json)["database"] == "fail"


def test_a_home_that_cannot_be_opened_is_diagnosed(metaclaw: Metaclaw, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = metaclaw("doctor", "--json", "--home", tmp_path / "file").json
    assert levels(told)["home folder"] == "fail"
