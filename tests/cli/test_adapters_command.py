from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.cli import adapters
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.database import open_database
from tests.learning.trained import gated

Metaclaw = Callable[..., Any]


@pytest.fixture
def candidates(home: Path) -> None:
    """Two adapters whose gates passed and that nobody decided on."""
    opened = open_home(home)
    with closing(open_database(opened.database)) as database:
        for _ in range(2):
            gated(opened, database)


def test_they_are_listed(metaclaw: Metaclaw, candidates: None) -> None:
    assert metaclaw("adapters").out.splitlines()[0].split()[:2] == ["v2", "candidate"]
    told = metaclaw("adapters", "--json", "--limit", 1).json
    assert ([one["version"] for one in told["adapters"]], told["more"], told["serving"]) == ([2], 1, None)


def test_one_serves_by_hand_and_goes_back(metaclaw: Metaclaw, candidates: None) -> None:
    assert metaclaw("adapters", "promote", 2, "--reason", "a trial", "--json").json["serving"] == 2
    assert "a trial" in metaclaw("adapters", "history").out
    assert metaclaw("adapters", "rollback", "--json").json["serving"] is None


def test_where_nobody_is_there_to_be_asked_a_reason_is_wanted(metaclaw: Metaclaw, candidates: None) -> None:
    ran = metaclaw("adapters", "promote", 2)
    assert ran.code == 2
    assert "--yes" in ran.err


@pytest.mark.parametrize(("answer", "serving"), [("y\n", 2), ("\n", None)])
def test_somebody_is_asked(
    metaclaw: Metaclaw, candidates: None, monkeypatch: pytest.MonkeyPatch, answer: str, serving: int | None
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr(adapters.sys, "stdin", Terminal())
    assert "by hand" in metaclaw("adapters", "promote", 2).err
    assert metaclaw("adapters", "--json").json["serving"] == serving


def test_one_is_deleted(metaclaw: Metaclaw, candidates: None) -> None:
    assert metaclaw("adapters", "delete", 1).code == 0
    assert metaclaw("adapters", "show", 1).code == 1


def test_what_serves_is_not_deleted(metaclaw: Metaclaw, candidates: None) -> None:
    metaclaw("adapters", "promote", 1, "--yes")
    ran = metaclaw("adapters", "delete", 1)
    assert (ran.code, ran.err.count("\n")) == (1, 1)


def test_a_damaged_one_is_refused(metaclaw: Metaclaw, candidates: None, home: Path) -> None:
    (home / "adapters" / "candidates" / "v1" / "adapter_model.safetensors").write_bytes(b"cut")
    ran = metaclaw("adapters", "promote", 1, "--yes")
    assert ran.code == 1
    assert "checksum" in ran.err


def test_what_is_no_version_is_a_usage_error(metaclaw: Metaclaw) -> None:
    assert metaclaw("adapters", "rollback", "sometime").code == 2
