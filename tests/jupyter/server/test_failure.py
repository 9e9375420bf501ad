import pytest

from metaclaw_jlab.core import errors
from metaclaw_jlab.core.errors import MetaclawError, RequestInvalid
from metaclaw_jlab.jupyter.server.failure import failure_of, failure_of_status, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound("There is none."), 404),
        (errors.UsageMistake("That cannot be."), 400),
        (errors.NotNow("It is so already."), 409),
        (errors.HostElsewhere("Another one is."), 409),
        (errors.LeaseHeld("One runs."), 409),
        (errors.NothingToTrain("Nothing waits."), 409),
        (errors.GenerationMoved("It moved."), 409),
        (errors.StoreBusy("It is held."), 503),
        (errors.HomeRefused("It is gone."), 503),
        (RequestInvalid("It is too large.", status=413), 413),
        (MetaclawError("Something."), 500),
    ],
)
def test_an_error_has_its_status(error: MetaclawError, status: int) -> None:
    assert status_of(error) == status


def test_a_failure_says_cause_next_step_and_kind() -> None:
    found = failure_of(errors.NotFound("There is no skill 'x'.", "See: skills"))
    assert (found.message, found.next_step, found.reason) == (
        "There is no skill 'x'.",
        "See: skills",
        "NotFound",
    )


def test_a_status_of_http_is_told_the_same_way() -> None:
    found = failure_of_status(405)
    assert found.reason == "MethodNotAllowed"
    assert "openapi.json" in found.next_step


def test_a_status_that_nobody_knows_is_told_too() -> None:
    assert failure_of_status(799).message == "Unknown."
