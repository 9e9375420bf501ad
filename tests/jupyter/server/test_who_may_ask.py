"""Who may ask: every route of the extension, the proxy's too, with and without Jupyter's leave."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from metaclaw_jlab.jupyter.server.host import Host
from metaclaw_jlab.jupyter.server.proxy.handlers import get_handlers
from metaclaw_jlab.jupyter.server.routes import OPERATIONS, api_handlers
from tests.jupyter.server.live_server import ALONE, LiveServer, live_server

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
STRICT = "--ServerApp.allow_unauthenticated_access=False"
AUTHORIZER = """
from jupyter_server.auth import Authorizer

class Strict(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return not (resource == "metaclaw" and action == "write")
"""


def routes() -> list[str]:
    """A path for every pattern that the extension answers."""
    with ThreadPoolExecutor(1) as pool:
        patterns = [route[0] for route in (*api_handlers(pool), *get_handlers(Host("http://127.0.0.1/")))]
    return sorted({re.sub(r"\(\?P<\w+>[^)]*\)", "x", plain(pattern)).lstrip("/") for pattern in patterns})


def plain(pattern: str) -> str:
    return pattern.replace("(?:/.*)?", "/nothing").replace("(?:/(?P<name>.+))?", "/x").replace("[.]", ".")


def test_the_walk_meets_every_route() -> None:
    found = routes()
    assert {f"metaclaw/v1/{name}" for name in ("chat/completions", "messages", "responses")} <= set(found)
    assert {re.sub(r"\{\w+\}", "x", f"metaclaw/api{one.path}") for one in OPERATIONS} <= set(found)


@pytest.fixture(scope="module", params=["as usual", "strict"])
def any_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """A server that lets handlers decide who is let in, and one that wants every one of them to refuse strangers."""
    arguments = [STRICT] if request.param == "strict" else []
    with live_server(tmp_path_factory.mktemp("walk"), arguments=arguments) as server:
        yield server


@pytest.mark.parametrize("path", routes())
def test_a_stranger_gets_nothing(any_server: LiveServer, path: str) -> None:
    found = {method: any_server.ask(method, path, token=None).status for method in METHODS}
    assert set(found.values()) <= {401, 403, 405}, found
    assert {found["GET"], found["POST"]} & {401, 403}


def test_a_wrong_token_is_none(any_server: LiveServer) -> None:
    assert any_server.api("GET", "health", token="wrong").status == 403


def test_jupyter_knows_of_no_route_that_lets_strangers_in(any_server: LiveServer) -> None:
    warned = [line for line in any_server.lines if "Extension endpoints without" in line]
    assert warned == []


@pytest.fixture(scope="module")
def authorised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose authoriser lets nobody change anything of MetaClaw's."""
    folder = tmp_path_factory.mktemp("authorised")
    (folder / "strict_authorizer.py").write_text(AUTHORIZER)
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from metaclaw_jlab.jupyter.server.app import main; main()"
    arguments = ["--ServerApp.authorizer_class=strict_authorizer.Strict"]
    with live_server(folder, how=("-c", code), arguments=arguments) as server:
        yield server


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.name)
def test_the_authoriser_decides_who_changes_something(authorised: LiveServer, operation: object) -> None:
    path = re.sub(r"\{\w+\}", "x", operation.path).lstrip("/")  # type: ignore[attr-defined]
    method = operation.method  # type: ignore[attr-defined]
    status = authorised.api(method, path, {} if method == "POST" else None).status
    assert (status == 403) == (method != "GET")


def test_the_authoriser_decides_of_the_proxy_too(authorised: LiveServer) -> None:
    assert authorised.ask("POST", "metaclaw/v1/chat/completions", {"messages": []}).status == 403


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that asks nobody who he is."""
    with live_server(tmp_path_factory.mktemp("open"), how=ALONE, token="") as server:
        yield server


def test_a_client_key_is_good_for_nothing_here(served: LiveServer) -> None:
    made = served.api("POST", "clients", {"name": "curious"}).json
    for headers in ({"Authorization": f"Bearer {made['key']}"}, {"X-Api-Key": made["key"]}):
        for method, path in (
            ("GET", "status"),
            ("POST", "training/start"),
            ("DELETE", "tasks/first/feedback"),
        ):
            assert served.api(method, path, token=None, headers=headers).status == 403
    served.api("DELETE", f"clients/{made['client']['id']}")


def test_a_client_key_is_refused_even_where_nobody_is_asked(open_to_all: LiveServer) -> None:
    key = "mclaw-" + "0" * 12 + "-" + "x" * 43
    refused = open_to_all.api("GET", "status", token=None, headers={"Authorization": f"Bearer {key}"})
    assert open_to_all.api("GET", "status", token=None).status == 200
    assert refused.status == 403
    assert "metaclaw/v1 only" in refused.json["message"]


def test_a_page_of_another_site_changes_nothing(open_to_all: LiveServer) -> None:
    refused = open_to_all.api("POST", "scheduler/unpause", token=None)
    assert refused.status == 403
    assert "_xsrf" in refused.json["message"]


def test_a_page_of_this_site_sends_its_xsrf_token(open_to_all: LiveServer) -> None:
    token = "2|aaaaaaaa|" + "b" * 32 + "|1763740000"
    headers = {"Cookie": f"_xsrf={token}", "X-XSRFToken": token}
    assert open_to_all.api("POST", "scheduler/unpause", token=None, headers=headers).status == 200


def test_a_name_that_is_not_this_machine_is_refused(served: LiveServer) -> None:
    assert served.api("GET", "health", headers={"Host": "rebound.example"}).status == 403


def test_the_walk_leaves_no_trace_in_the_home(any_server: LiveServer, tmp_path: Path) -> None:
    assert any_server.api("GET", "tasks").json["tasks"] == []
    assert any_server.api("GET", "clients").json["clients"] == []
