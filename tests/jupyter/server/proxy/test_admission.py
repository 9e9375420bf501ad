"""Who may use the proxy, and what a client's key is good for."""

import http.client

import pytest

from metaclaw_jlab.store.client_keys import ClientKeys, ClientSettings
from tests.jupyter.server.proxy.conftest import Serve
from tests.jupyter.server.proxy.serving import TOKEN, Served, ask
from tests.loopback.server import ScriptedServer

ROUTES = ["chat/completions", "messages", "messages/count_tokens", "responses"]
NOBODY = {"Authorization": ""}


def key_of(served: Served, namespace: str = "", **settings: bool) -> tuple[str, str]:
    """The id and the key of a new client."""
    client, key = ClientKeys(served.workspace.database()).add("agent", namespace, ClientSettings(**settings))
    return client.id, key


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("credential", ["", "Bearer wrong", "Bearer mclaw-0123456789ab-" + "x" * 43])
def test_strangers_are_refused(
    served: Served, scripted_server: ScriptedServer, route: str, credential: str
) -> None:
    answer = served.post(ask(), {"Authorization": credential}, route)
    assert answer.status == 401
    assert "error" in answer.json
    assert scripted_server.requests == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_no_method_tells_a_stranger_anything(served: Served, method: str) -> None:
    with served.connection() as connection:
        connection.request(method, "/at/base/metaclaw/v1/chat/completions")
        assert connection.getresponse().status == 401


def test_the_list_of_models_is_for_who_is_known(served: Served) -> None:
    assert served.get("/metaclaw/v1/models", NOBODY).status == 401


def test_a_method_that_is_not_there_is_told_to_who_is_known(served: Served) -> None:
    answer = served.get("/metaclaw/v1/chat/completions")
    assert answer.status == 405
    assert "error" in answer.json


@pytest.mark.parametrize("name", ["Authorization", "x-api-key"])
def test_jupyters_token_is_accepted(served: Served, scripted_server: ScriptedServer, name: str) -> None:
    scripted_server.say("Hello.")
    value = f"Bearer {TOKEN}" if name == "Authorization" else TOKEN
    answer = served.post(ask(), {**NOBODY, name: value})
    assert answer.status == 200
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["Authorization", "x-api-key"])
def test_a_clients_key_is_accepted_without_an_xsrf_token(
    served: Served, scripted_server: ScriptedServer, name: str
) -> None:
    scripted_server.say("Hello.")
    identity, key = key_of(served)
    value = f"Bearer {key}" if name == "Authorization" else key
    assert served.post(ask(), {**NOBODY, name: value}).status == 200
    assert served.kept.wait()[1].client == identity


def test_a_browser_that_is_logged_in_needs_an_xsrf_token(
    served: Served, scripted_server: ScriptedServer
) -> None:
    with served.connection() as connection:
        connection.request("GET", "/at/base/api/me", headers=served.credentials)
        response = connection.getresponse()
        response.read()
        cookies = "; ".join(
            value.partition(";")[0] for name, value in response.getheaders() if name.lower() == "set-cookie"
        )
    assert "username-" in cookies
    answer = served.post(ask(), {**NOBODY, "Cookie": cookies})
    assert answer.status == 403
    assert scripted_server.requests == []


def test_a_revoked_key_is_refused_at_once(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.always("Hello.")
    identity, key = key_of(served)
    assert served.post(ask(), {"Authorization": f"Bearer {key}"}).status == 200
    ClientKeys(served.workspace.database()).revoke(identity)
    assert served.post(ask(), {"Authorization": f"Bearer {key}"}).status == 401


def test_a_clients_key_is_no_key_of_jupyters(served: Served) -> None:
    _, key = key_of(served)
    assert served.get("/api/me").status == 200
    assert served.get("/api/me", {"Authorization": f"Bearer {key}"}).status == 403


def test_an_unknown_key_is_refused_where_jupyter_asks_nobody(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(token="")
    scripted_server.say("Hello.")
    unknown = "mclaw-0123456789ab-" + "x" * 43
    assert served.post(ask(), {"Authorization": f"Bearer {unknown}"}).status == 401


def test_a_clients_turns_go_to_its_namespace(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Hello.")
    _, key = key_of(served, "one-project")
    served.post(ask(), {"Authorization": f"Bearer {key}"})
    workspace, _, _ = served.kept.wait()
    assert workspace.home.path.name == "one-project"
    assert workspace.home.path != served.workspace.home.path


def test_what_a_client_wants_stands_before_the_configuration(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("Hello.")
    _, key = key_of(served, learn=False, skills=False)
    served.post(ask(), {"Authorization": f"Bearer {key}"})
    assert served.kept.exchanges == []


def test_a_header_turns_learning_off_but_never_on(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.always("Hello.")
    _, key = key_of(served, learn=False, skills=False)
    served.post(ask(), {"Authorization": f"Bearer {key}", "X-MetaClaw-Learn": "on"})
    served.post(ask(), {"X-MetaClaw-Learn": "off", "X-MetaClaw-Skills": "off"})
    assert served.kept.exchanges == []


def test_the_proxy_can_be_turned_off(serve: Serve) -> None:
    answer = serve(proxy_enabled=False).post(ask())
    assert answer.status == 403
    assert "proxy.enabled" in answer.json["error"]["message"]


def test_another_name_of_the_server_is_refused_to_a_client(served: Served) -> None:
    _, key = key_of(served)
    answer = served.post(ask(), {"Authorization": f"Bearer {key}", "Host": "rebound.example"})
    assert answer.status == 403


def test_a_preflight_needs_no_key(served: Served) -> None:
    connection: http.client.HTTPConnection
    with served.connection() as connection:
        connection.request("OPTIONS", "/at/base/metaclaw/v1/chat/completions")
        response = connection.getresponse()
        assert response.status == 200
        assert response.getheader("Access-Control-Allow-Origin") is None


def test_errors_are_told_in_the_clients_dialect(served: Served) -> None:
    answer = served.post(ask(), {"x-api-key": "wrong", **NOBODY}, "messages")
    assert answer.json["type"] == "error"
    assert answer.json["error"]["type"] == "authentication_error"
