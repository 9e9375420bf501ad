"""Which versions of a GGUF model run, with stand-ins for their processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llama_server import MODEL, Versions

from metaclaw_jlab.core.errors import AdapterRefused, ModelUnusable, RequestInvalid
from metaclaw_jlab.engines import served_versions
from metaclaw_jlab.engines.llama_cpp import server
from metaclaw_jlab.engines.llama_cpp.capacity import Capacity
from metaclaw_jlab.engines.llama_cpp.gguf_header import read_header
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


def test_a_version_that_breaks_for_good_leaves_the_base_answering(versions: Versions) -> None:
    found = served(versions, lambda *_: Instance())
    versions.serve(version := versions.publish())
    found.refresh()
    assert found.started(MODEL)[1] == f"{MODEL}@v{version}"
    found.give_up(version, "It broke down twice.")
    assert found.started(MODEL)[1] == MODEL
    found.refresh()
    assert (found.serving, found.versions) == (None, ())
    with pytest.raises(RequestInvalid, match="It broke down twice"):
        found.started(f"{MODEL}@v{version}")
    found.close()


def test_only_the_instance_of_the_base_takes_the_server_with_it(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Callable[[str], None]] = []
    monkeypatch.setattr(server, "RunningInstance", lambda _, given_up: told.append(given_up))
    made = server._Instances(
        server.Wanted("m@v7", tiny_model, 1, 0, 1, 1.0), read_header(tiny_model), Capacity(1, 64)
    )
    lost: list[tuple[int, str]] = []
    made.lost = lambda version, why: lost.append((version, why))
    made.make("m@v7@v12", Path("v.gguf"))
    made.make("m@v7", None)
    told[0]("broke")
    assert (lost, made.trouble) == ([(12, "broke")], None)
    told[1]("broke too")
    assert made.trouble == "broke too"
