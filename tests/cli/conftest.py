import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What one call of the command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        (line,) = self.out.splitlines()
        loaded = json.loads(line)
        assert isinstance(loaded, dict)
        return loaded


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that is not made yet, and no settings from outside."""
    for name in ("METACLAW_POLICY_BASE_URL", "METACLAW_ADMIN_CONFIG", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("METACLAW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def metaclaw(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the command in this process."""

    def run(*words: object) -> Ran:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run
