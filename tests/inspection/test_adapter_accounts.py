"""What is told of adapters, and `adapters ...` on a real home."""

import argparse
import json
from collections.abc import Iterator

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.errors import AdapterRefused, InvariantViolation, NotFound, UsageMistake
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.inspection.adapter_commands import (
    Confirm,
    add_adapter_arguments,
    render_adapter_result,
    run_adapters,
)
from metaclaw_jlab.inspection.adapters import describe_adapter, list_adapters
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.learning.adapters import WEIGHTS, candidate_folder, force, promote
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.store.serving import Serving
from tests.learning.trained import candidate, damage, gated
from tests.loopback.server import Behaviour, Request, ScriptedServer


def ran(workspace: Workspace, *words: str, confirm: Confirm | None = None) -> dict[str, object]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_adapter_arguments(parser)
    return run_adapters(workspace, parser.parse_args(words), confirm)


def told(workspace: Workspace, *words: str, confirm: Confirm | None = None) -> str:
    return render_adapter_result(ran(workspace, *words, confirm=confirm))


def serves(workspace: Workspace) -> int | None:
    return Serving(workspace.database()).current()


def test_without_any_the_way_to_one_is_told(workspace: Workspace) -> None:
    assert "metaclaw train --now" in told(workspace)


def test_they_are_listed_the_newest_first_with_what_serves_and_why(workspace: Workspace) -> None:
    promote(
        workspace.home,
        workspace.database(),
        gated(workspace.home, workspace.database()).version,
        "It gained.",
    )
    candidate(workspace.home, workspace.database())
    lines = told(workspace).splitlines()
    assert lines[0].split()[:3] == ["v2", "candidate", "g0"]
    assert lines[1].split()[:4] == ["*", "v1", "promoted", "g0"]
    assert "The reason to promote." in lines[1]
    assert lines[2] == "* serves now"


def test_only_so_many_are_listed(workspace: Workspace) -> None:
    for _ in range(3):
        candidate(workspace.home, workspace.database())
    assert "… 2 more" in told(workspace, "--limit", "1")
    assert [one.version for one in list_adapters(workspace, 2)] == [3, 2]


def test_one_is_shown_with_its_gates_and_when_it_served(workspace: Workspace) -> None:
    promote(
        workspace.home,
        workspace.database(),
        gated(workspace.home, workspace.database()).version,
        "It gained.",
    )
    text = told(workspace, "show", "v1")
    for part in (
        "promoted by its gate, serves now",
        "Gate of v1: promote",
        "regression/base/T=0",
        "Served",
        "It gained.",
    ):
        assert part in text


def test_files_that_are_damaged_or_gone_are_told(workspace: Workspace) -> None:
    folder = candidate_folder(workspace.home, candidate(workspace.home, workspace.database()).version)
    assert describe_adapter(workspace, 1).fault == ""
    damage(folder / WEIGHTS)
    assert "checksum" in told(workspace, "show", "1")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert "Its files are gone." in told(workspace, "show", "1")
    assert "files gone" in told(workspace)


def test_promoting_by_hand_wants_a_reason_or_an_agreement(workspace: Workspace) -> None:
    gated(workspace.home, workspace.database(), Verdict.REJECT)
    with pytest.raises(UsageMistake, match="its gate said: reject"):
        ran(workspace, "promote", "1")
    assert told(workspace, "promote", "1", confirm=lambda _: False) == "Nothing was changed."
    assert serves(workspace) is None


def test_a_person_who_agrees_is_asked_with_what_the_gate_said(workspace: Workspace) -> None:
    candidate(workspace.home, workspace.database())
    asked: list[str] = []
    assert "forced by hand" in told(workspace, "promote", "1", confirm=lambda said: not asked.append(said))
    assert "no gate has looked at it" in asked[0]
    assert serves(workspace) == 1


def test_the_reason_is_recorded(workspace: Workspace) -> None:
    candidate(workspace.home, workspace.database())
    ran(workspace, "promote", "1", "--reason", "a trial")
    assert "a trial" in told(workspace, "history")
    assert describe_adapter(workspace, 1).status is AdapterStatus.FORCED


def test_an_adapter_of_another_model_is_named_as_such(workspace: Workspace) -> None:
    candidate(workspace.home, workspace.database(), base="qwen")
    assert "It is of qwen, though" in told(workspace, "promote", "1", "--yes")


def test_back_to_what_served_before(workspace: Workspace) -> None:
    for _ in range(2):
        made = candidate(workspace.home, workspace.database())
        force(workspace.home, workspace.database(), made.version, "I want it.")
    assert told(workspace, "rollback") == "Adapter v1 serves again, in the place of v2."
    with pytest.raises(UsageMistake, match="what served before"):
        ran(workspace, "rollback")
    assert told(workspace, "rollback", "v2") == "Adapter v2 serves again, in the place of v1."
    assert told(workspace, "rollback", "base") == "The base serves again, in the place of v2."
    assert serves(workspace) is None


def test_where_nothing_served_there_is_no_way_back(workspace: Workspace) -> None:
    with pytest.raises(UsageMistake):
        ran(workspace, "rollback")
    with pytest.raises(NotFound):
        ran(workspace, "rollback", "3")
    candidate(workspace.home, workspace.database())
    with pytest.raises(AdapterRefused):
        ran(workspace, "rollback", "1")


def test_a_candidate_is_deleted_and_what_serves_is_not(workspace: Workspace) -> None:
    candidate(workspace.home, workspace.database())
    assert "is deleted" in told(workspace, "delete", "1")
    assert list_adapters(workspace, 9) == ()
    made = candidate(workspace.home, workspace.database())
    force(workspace.home, workspace.database(), made.version, "I want it.")
    with pytest.raises(InvariantViolation):
        ran(workspace, "delete", str(made.version))


def test_a_history_without_changes_is_told(workspace: Workspace) -> None:
    assert told(workspace, "history") == "Only the base model has served."


@pytest.mark.parametrize("words", [("show", "x"), ("rollback", "v"), ("--limit", "0"), ("promote", "0")])
def test_what_is_no_version_is_refused(workspace: Workspace, words: tuple[str, ...]) -> None:
    with pytest.raises((argparse.ArgumentError, SystemExit)):
        ran(workspace, *words)


def test_everything_is_json(workspace: Workspace) -> None:
    promote(
        workspace.home,
        workspace.database(),
        gated(workspace.home, workspace.database()).version,
        "It gained.",
    )
    for words in ((), ("show", "1"), ("history",)):
        json.dumps(as_json(ran(workspace, *words)), allow_nan=False)
    listed = json.loads(json.dumps(as_json(ran(workspace))))
    assert (listed["serving"], listed["adapters"][0]["gate"]["verdict"]) == (1, "promote")


class Vllm(ScriptedServer):
    """A server that says it is vLLM, and loads adapters."""

    owner = "vllm"

    def _behaviour(self, request: Request) -> Behaviour:
        if request.path == "/v1/models":
            self.listing = {"data": [{"id": name, "owned_by": self.owner} for name in self.models]}
        if request.path == "/v1/load_lora_adapter":
            self.models.append(request.body["lora_name"])
            return lambda exchange: exchange.whole(200, "Success", "text/plain")
        return super()._behaviour(request)


@pytest.fixture
def endpoint(workspace: Workspace) -> Iterator[Vllm]:
    server = Vllm(["base"])
    set_value(workspace.home.config, "policy.base_url", server.base_url)
    yield server
    server.close()


def test_a_vllm_endpoint_is_told_to_load_what_serves(workspace: Workspace, endpoint: Vllm) -> None:
    candidate(workspace.home, workspace.database())
    assert "config set policy.model metaclaw-v1" in told(workspace, "promote", "1", "--yes")
    assert endpoint.models == ["base", "metaclaw-v1"]


def test_another_endpoint_answers_as_before_and_that_is_said(workspace: Workspace, endpoint: Vllm) -> None:
    endpoint.owner = "somebody"
    candidate(workspace.home, workspace.database())
    assert f"{endpoint.base_url} answers here, though" in told(workspace, "promote", "1", "--yes")
    assert endpoint.models == ["base"]


def test_an_endpoint_that_is_gone_changes_nothing_here(workspace: Workspace) -> None:
    set_value(workspace.home.config, "policy.base_url", "http://127.0.0.1:9/v1")
    candidate(workspace.home, workspace.database())
    assert "does not answer with it" in told(workspace, "promote", "1", "--yes")
    assert serves(workspace) == 1
