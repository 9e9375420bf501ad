"""Against a server that is scripted after vLLM's documentation; no vLLM takes part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.errors import PolicyMalformed, PolicyRefused, PolicyUnavailable
from metaclaw_jlab.policies.lora_endpoint import LoraEndpoint
from metaclaw_jlab.settings.secrets import Secret
from tests.loopback.server import Behaviour, Exchange, Request, ScriptedServer

FOLDER = Path("/adapters/v3")


class Vllm(ScriptedServer):
    """A server with LoRA endpoints."""

    owner: str | None = "vllm"
    version: object = None
    updating = True
    forgetful = False
    complaint: tuple[int, object] | None = None

    def _behaviour(self, request: Request) -> Behaviour:
        if request.path == "/version" and self.version is not None:
            return lambda exchange: exchange.json(200, self.version)
        if request.path == "/v1/models":
            owned = {} if self.owner is None else {"owned_by": self.owner}
            self.listing = {"data": [{"id": name, **owned} for name in self.models]}
        if self.updating and request.path.endswith("_lora_adapter"):
            return lambda exchange: self._change(exchange)
        if request.path.endswith(("_lora_adapter", "/version")):
            return lambda exchange: exchange.json(404, {"detail": "Not Found"})
        return super()._behaviour(request)

    def _change(self, exchange: Exchange) -> None:
        name = exchange.request.body["lora_name"]
        if self.complaint is not None:
            exchange.json(*self.complaint)
        elif exchange.request.path == "/v1/unload_lora_adapter":
            self.models.remove(name)
            exchange.whole(200, f"Success: LoRA adapter '{name}' removed successfully.", "text/plain")
        elif name in self.models:
            said = f"The lora adapter '{name}' has already been loaded. If you want to load it in place, ..."
            exchange.json(400, {"error": {"message": said, "type": "InvalidUserInput", "code": 400}})
        else:
            self.models += [] if self.forgetful else [name]
            exchange.whole(200, f"Success: LoRA adapter '{name}' added successfully.", "text/plain")


@pytest.fixture
def vllm() -> Iterator[Vllm]:
    server = Vllm(["base"])
    yield server
    server.close()


@pytest.fixture
def endpoint(vllm: Vllm) -> LoraEndpoint:
    return LoraEndpoint(vllm.base_url, timeout=5.0)


def posts(vllm: Vllm) -> list[tuple[str, dict[str, Any]]]:
    return [(request.path, request.body) for request in vllm.requests if request.method == "POST"]


def test_a_version_is_loaded_under_a_name_of_its_own(vllm: Vllm, endpoint: LoraEndpoint) -> None:
    assert endpoint.load(3, FOLDER) == "metaclaw-v3"
    assert posts(vllm) == [
        ("/v1/load_lora_adapter", {"lora_name": "metaclaw-v3", "lora_path": "/adapters/v3"})
    ]
    assert endpoint.versions() == (3,)


def test_a_version_that_is_loaded_already_stays(vllm: Vllm, endpoint: LoraEndpoint) -> None:
    assert endpoint.load(3, FOLDER) == endpoint.load(3, FOLDER)
    assert vllm.models == ["base", "metaclaw-v3"]


def test_a_version_is_unloaded_once(vllm: Vllm, endpoint: LoraEndpoint) -> None:
    endpoint.load(3, FOLDER)
    assert (endpoint.unload(3), endpoint.unload(3), vllm.models) == (True, False, ["base"])


def test_a_server_that_takes_a_version_and_does_not_list_it_is_told(
    vllm: Vllm, endpoint: LoraEndpoint
) -> None:
    vllm.forgetful = True
    with pytest.raises(PolicyMalformed, match="does not list metaclaw-v3"):
        endpoint.load(3, FOLDER)


@pytest.mark.parametrize("call", [lambda one: one.load(3, FOLDER), lambda one: one.unload(3)])
def test_a_server_that_takes_no_adapters_at_run_time_says_how_to_start_it(
    vllm: Vllm, endpoint: LoraEndpoint, call: Callable[[LoraEndpoint], object]
) -> None:
    vllm.updating = False
    vllm.models.append("metaclaw-v3")
    with pytest.raises(PolicyRefused, match="VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"):
        call(endpoint)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "LoRA rank 64 is greater than max_lora_rank 16.", "code": 400}},
        {"message": "LoRA rank 64 is greater than max_lora_rank 16.", "object": "error"},
        {"detail": "LoRA rank 64 is greater than max_lora_rank 16."},
    ],
)
def test_what_the_server_complains_of_is_passed_on(
    vllm: Vllm, endpoint: LoraEndpoint, body: dict[str, object]
) -> None:
    vllm.complaint = (400, body)
    with pytest.raises(PolicyRefused, match=r"\(400\): LoRA rank 64 is greater than max_lora_rank 16\."):
        endpoint.load(3, FOLDER)


def test_a_server_that_fails_is_no_refusal(vllm: Vllm, endpoint: LoraEndpoint) -> None:
    vllm.complaint = (500, {"error": {"message": "out of memory"}})
    with pytest.raises(PolicyUnavailable, match="out of memory"):
        endpoint.load(3, FOLDER)


def test_the_key_goes_along_and_out_of_messages(vllm: Vllm) -> None:
    vllm.key = "sk-secret"
    endpoint = LoraEndpoint(vllm.base_url, Secret("sk-secret"), 5.0)
    endpoint.load(3, FOLDER)
    assert {request.headers["authorization"] for request in vllm.requests} == {"Bearer sk-secret"}
    vllm.complaint = (400, {"detail": "bad request with sk-secret"})
    with pytest.raises(PolicyRefused) as error:
        endpoint.load(4, FOLDER)
    assert "sk-secret" not in str(error.value)


def test_the_key_does_not_follow_a_redirect(vllm: Vllm, scripted_server: ScriptedServer) -> None:
    vllm.key = "sk-secret"
    elsewhere = f"{scripted_server.base_url}/load_lora_adapter"
    vllm._change = lambda exchange: exchange.whole(307, "", "text/plain", {"Location": elsewhere})  # type: ignore[method-assign]
    with pytest.raises(PolicyRefused, match="sends requests on"):
        LoraEndpoint(vllm.base_url, Secret("sk-secret"), 5.0).load(3, FOLDER)
    assert scripted_server.requests == []


def test_vllm_is_known_by_the_owner_of_its_models(vllm: Vllm, endpoint: LoraEndpoint) -> None:
    assert endpoint.is_vllm()
    vllm.owner, vllm.version = "someone", {"version": "0.11.0"}
    assert not endpoint.is_vllm()


def test_vllm_is_known_by_its_version_where_models_have_no_owner(vllm: Vllm, endpoint: LoraEndpoint) -> None:
    vllm.owner = None
    assert not endpoint.is_vllm()
    vllm.version = {"version": "0.11.0"}
    assert endpoint.is_vllm()
    assert {request.path for request in vllm.requests} == {"/v1/models", "/version"}
