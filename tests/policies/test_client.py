import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.core.errors import PolicyRefused
from metaclaw_jlab.core.policy import Message, Sampling
from metaclaw_jlab.policies.endpoint import EndpointPolicy

if TYPE_CHECKING:
    from tests.loopback.server import ScriptedServer

ASK = (Message("user", "Hello"),)


def test_constructing_a_policy_loads_no_client_library() -> None:
    code = """
import sys
import metaclaw_jlab.policies
from metaclaw_jlab.policies.endpoint import EndpointPolicy, list_models
from metaclaw_jlab.policies.scripted import ScriptedPolicy
EndpointPolicy("http://localhost:1/v1", "m", "sk-1")
loaded = [name for name in ("openai", "httpx", "httpx2", "keyring", "tomlkit") if name in sys.modules]
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_key_is_sent_as_a_bearer_token(scripted_server: "ScriptedServer") -> None:
    scripted_server.key = "sk-1"
    scripted_server.say("x")
    EndpointPolicy(scripted_server.base_url, "m", "sk-1").complete(ASK, Sampling())
    assert scripted_server.chats[0].headers["authorization"] == "Bearer sk-1"


def test_nothing_of_the_environment_is_sent(
    scripted_server: "ScriptedServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "organisation")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project")
    monkeypatch.setenv(
        "OPENAI_CUSTOM_HEADERS", "X-Api-Key: sk-environment\nAuthorization: Bearer sk-environment"
    )
    scripted_server.say("x")
    EndpointPolicy(scripted_server.base_url, "m").complete(ASK, Sampling())
    headers = scripted_server.chats[0].headers
    assert not set(headers) & {"authorization", "openai-organization", "openai-project", "x-api-key"}
    assert not [name for name in headers if name.startswith("x-stainless")]


def test_no_proxy_is_used_for_loopback(
    scripted_server: "ScriptedServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    scripted_server.say("x")
    assert EndpointPolicy(scripted_server.base_url, "m").complete(ASK, Sampling()).text == "x"


def test_a_prompt_does_not_follow_a_redirect(scripted_server: "ScriptedServer") -> None:
    place = "http://127.0.0.1:9/v1/chat/completions"
    scripted_server.fail(307, headers={"Location": place})
    with pytest.raises(PolicyRefused, match=place):
        EndpointPolicy(scripted_server.base_url, "m").complete(ASK, Sampling())
