"""What is answered where something went wrong: a status, and an object that says the cause and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from metaclaw_jlab.core.errors import (
    AblationError,
    AdapterRefused,
    ConfigError,
    HomeRefused,
    HostElsewhere,
    InvariantViolation,
    LeaseHeld,
    MetaclawError,
    ModelUnusable,
    NotFound,
    NotNow,
    PolicyError,
    RequestInvalid,
    SecretError,
    ServerStartFailed,
    SettingInvalid,
    SettingUnknown,
    SkillChanged,
    SkillInvalid,
    SkillRefused,
    StoreError,
    TaskSetInvalid,
    TrainingError,
    UsageMistake,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """`reason` is a word for programs: the kind of the error."""

    message: str
    next_step: str
    reason: str


# The first that fits counts: a subclass stands before its parent.
_STATUSES: tuple[tuple[type[MetaclawError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (NotNow, HTTPStatus.CONFLICT),
    (UsageMistake, HTTPStatus.BAD_REQUEST),
    (SkillInvalid, HTTPStatus.BAD_REQUEST),
    (SkillRefused, HTTPStatus.CONFLICT),
    (SkillChanged, HTTPStatus.CONFLICT),
    (HostElsewhere, HTTPStatus.CONFLICT),
    (LeaseHeld, HTTPStatus.CONFLICT),
    (TrainingError, HTTPStatus.CONFLICT),
    (AblationError, HTTPStatus.CONFLICT),
    (TaskSetInvalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (InvariantViolation, HTTPStatus.CONFLICT),
    (AdapterRefused, HTTPStatus.CONFLICT),
    (SettingUnknown, HTTPStatus.NOT_FOUND),
    (SettingInvalid, HTTPStatus.BAD_REQUEST),
    (ConfigError, HTTPStatus.CONFLICT),
    (SecretError, HTTPStatus.CONFLICT),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (HomeRefused, HTTPStatus.SERVICE_UNAVAILABLE),
    (ServerStartFailed, HTTPStatus.SERVICE_UNAVAILABLE),
    (ModelUnusable, HTTPStatus.SERVICE_UNAVAILABLE),
    (PolicyError, HTTPStatus.BAD_GATEWAY),
)


def status_of(error: MetaclawError) -> int:
    """The HTTP status that tells this error."""
    if isinstance(error, RequestInvalid):
        return error.status
    found = (status for kind, status in _STATUSES if isinstance(error, kind))
    return int(next(found, HTTPStatus.INTERNAL_SERVER_ERROR))


def failure_of(error: MetaclawError) -> Failure:
    """The object that tells this error."""
    return Failure(error.cause, error.next_step, type(error).__name__)


def failure_of_status(status: int, message: str = "") -> Failure:
    """The object for what HTTP itself has a word for."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    reason = "".join(word.capitalize() for word in phrase.replace("-", " ").split())
    return Failure(message or f"{phrase}.", _NEXT_STEPS.get(status, ""), reason)


_NEXT_STEPS = {
    403: "Send Jupyter's own token, or log in; a client's key is good for /metaclaw/v1 only.",
    405: "See the methods in the header Allow, and all operations in openapi.json.",
    500: "See what the server says in its log.",
}
