"""The doctor over HTTP."""

from tests.jupyter.server.live_server import LiveServer


def test_the_doctor_tells_what_works_and_how_to_mend_the_rest(served: LiveServer) -> None:
    found = served.api("GET", "doctor").json
    levels = {finding["name"]: finding["level"] for finding in found["findings"]}
    assert (levels["policy"], levels["server extension"], levels["database"]) == ("fail", "ok", "ok")
    assert found["healthy"] is False
    policy = next(finding for finding in found["findings"] if finding["name"] == "policy")
    assert policy["command"] == "%metaclaw connect http://127.0.0.1:9/v1"


def test_what_it_may_start_is_yes_or_no(served: LiveServer) -> None:
    assert served.api("GET", "doctor?start=maybe").status == 400
    assert served.api("GET", "doctor?start=true").status == 200
