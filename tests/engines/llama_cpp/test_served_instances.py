"""Which versions of a GGUF model run, with stand-ins for their processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_server import MODEL, Versions

from metaclaw_jlab.core.errors import AdapterRefused, ModelUnusable
from metaclaw_jlab.engines import served_versions
from metaclaw_jlab.engines.llama_cpp.served_instances import InstanceBank, ServedInstances


class Instance:
    """Stands in for a running one."""

    def enter(self) -> bool:
        return True

    def retire(self) -> None: ...

    def stop(self) -> None: ...


def served(versions: Versions, make: Callable[[str, Path | None], Any]) -> ServedInstances:
    return ServedInstances(versions.home, MODEL, InstanceBank(MODEL, make), lambda *_: Path("v.gguf"))


@pytest.mark.parametrize(
    ("error", "again"), [(ModelUnusable("No memory."), True), (AdapterRefused("Damaged."), False)]
)
def test_what_the_memory_did_not_hold_is_tried_again_later(
    versions: Versions, monkeypatch: pytest.MonkeyPatch, error: Exception, again: bool
) -> None:
    wrong: list[Exception] = [error]

    def make(_: str, adapter: Path | None) -> Instance:
        if wrong and adapter is not None:
            raise wrong[0]
        return Instance()

    found = served(versions, make)
    versions.serve(version := versions.publish())
    found.refresh()
    wrong.clear()
    found.refresh()
    assert (found.serving, len(found.report()["refused"])) == (None, 1)
    monkeypatch.setattr(served_versions, "RETRY_SECONDS", 0.0)
    found.refresh()
    assert found.serving == (version if again else None)
    found.close()
