"""Requests made from the description of the REST interface, right and wrong ones, against a running server."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
)

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.jupyter.server.openapi import describe
from metaclaw_jlab.jupyter.server.routes import OPERATIONS
from tests.jupyter.server.conftest import TASKS, done
from tests.jupyter.server.live_server import TOKEN, UNREACHABLE, LiveServer, live_server

EXAMPLES = 25
# What a schema cannot say: whether a text is a skill, or names arms and tasks, or what fits which setting.
PARTLY_DESCRIBED = {("POST", "/skills"), ("POST", "/ablations"), ("PUT", "/settings/{key}")}


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of its own: nothing in its home is worth keeping, and nothing can be trained there."""
    folder = tmp_path_factory.mktemp("fuzzed")
    workspace = open_workspace(folder / "home")
    for name in TASKS:
        workspace.trajectories().record(done(name))
    workspace.close()
    (folder / "home" / "config.toml").write_text(UNREACHABLE)
    with live_server(folder, home=folder / "home") as server:
        yield server


schema = schemathesis.openapi.from_dict(describe(OPERATIONS, "/", "0"))


@pytest.mark.timeout(900)
@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: schemathesis.Case, fuzzed: LiveServer) -> None:
    # Front ends put time stamps into the address: unknown names are left aside there.
    known = {parameter.name for parameter in case.operation.query}
    more = [negative_data_rejection] if set(case.query or ()) - known else []
    if (case.operation.method.upper(), case.operation.path) in PARTLY_DESCRIBED:
        more.append(positive_data_acceptance)
    how: dict[str, Any] = {
        "base_url": f"{fuzzed.url}metaclaw/api",
        "headers": {"Authorization": f"token {TOKEN}"},
        "timeout": 120,
    }
    answer = case.call(**how)
    if answer.status_code == 413:
        more.append(negative_data_rejection)  # which knows no such refusal
    # Jupyter tells a stranger 403, never 401.
    case.validate_response(
        answer,
        headers=how["headers"],
        excluded_checks=[missing_required_header, *more],
        transport_kwargs=how,
    )


@pytest.mark.timeout(900)
def test_the_server_has_survived_it(fuzzed: LiveServer) -> None:
    assert fuzzed.api("GET", "health").json["standing"]["active"] is True
    assert [line for line in fuzzed.lines if "Traceback" in line] == []
