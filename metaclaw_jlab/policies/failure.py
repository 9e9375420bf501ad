"""What a failed request means: the error to raise, in the user's terms, and whether asking again may help."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from metaclaw_jlab.core.errors import (
    PolicyError,
    PolicyMalformed,
    PolicyRefused,
    PolicyTimeout,
    PolicyUnavailable,
    PromptTooLong,
)
from metaclaw_jlab.settings.secrets import Secret

MESSAGE_CHARS = 300
LONGEST_WAIT = 60.0
_UNSUPPORTED = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|extra|forbidden",
    re.I,
)
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|the context of|too (long|many tokens)|maximum.{0,20}tokens", re.I
)
_PROMPT_TOO_LONG = "The prompt is too long for"
_NAME_ANOTHER = "Name the variable that holds its key: %metaclaw connect URL --key-env NAME."


@dataclass(frozen=True, slots=True)
class Target:
    """Who was asked, and for what."""

    base_url: str
    model: str
    key: Secret | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Failure:
    """The error to raise. `retry`: asking again may help, after `wait` seconds where the endpoint said so."""

    error: PolicyError
    retry: bool = False
    wait: float | None = None


def explain(error: Exception, target: Target, arrived: int = 0) -> Failure:
    """What an error of the client, or of reading its answer, means when `arrived` characters of text had come."""
    if isinstance(error, PolicyError):
        return Failure(error, retry=isinstance(error, PolicyUnavailable))
    failure = _explained(error, target, arrived)
    if target.key is None or target.key.reveal() not in str(error):  # a traceback shows the cause too
        failure.error.__cause__ = error
    return failure


def _explained(error: Exception, target: Target, arrived: int) -> Failure:
    status = getattr(error, "status_code", None)
    code = str(getattr(error, "code", None))
    if status is None and re.fullmatch(r"[45]\d\d", code):
        status = int(code)  # an error within a stream
    if isinstance(status, int) and status >= 300:
        return _of_status(error, status, target)
    if isinstance(error, ValueError | TypeError | AttributeError | LookupError):
        return Failure(
            PolicyMalformed(
                f"{target.base_url} sent an answer that cannot be read{_after(arrived)}"
                f" ({type(error).__name__}).",
                "Check that it is an OpenAI-compatible server.",
            )
        )
    kinds = _kinds(error)
    if kinds & {"APIConnectionError", "TransportError"}:
        return _of_connection(kinds, target, arrived)
    return Failure(
        PolicyUnavailable(
            f"{target.base_url} broke off{_after(arrived)}: {_clean(str(error), target)}",
            "Look at the server's log, or try again.",
        ),
        retry=not arrived,
    )


def web_page(target: Target) -> PolicyMalformed:
    """The error for an answer in HTML."""
    return PolicyMalformed(
        f"{target.base_url} answered with what looks like a web page: is the base URL right?",
        "It usually ends in /v1.",
    )


def error_in_answer(error: object, target: Target) -> PolicyRefused:
    """The error for a document that tells of an error although its status was 200."""
    said = _clean(str(error.get("message", "") if isinstance(error, dict) else error), target)
    if _is_versioned(target.base_url):
        return PolicyRefused(f"{target.base_url} answered with an error: {said}", "Check policy.model.")
    return PolicyRefused(*_missing_path(target.base_url, f": {said}"))


def unsupported_parameter(error: Exception, names: Mapping[str, str]) -> str | None:
    """Which of these parameters the endpoint says that it does not know, None where it complains of something else.

    `names` maps each parameter to the one that replaces it, "" where it is only left out.
    """
    if getattr(error, "status_code", None) not in (400, 422):
        return None
    message = _message(error)
    for name, other in names.items():
        named = getattr(error, "param", None) == name or re.search(rf"\b{name}\b", message)
        if named and (_UNSUPPORTED.search(message) or (other and other in message)):
            return name
    return None


# ---------------------------------------------------------------- connection


def _of_connection(kinds: set[str], target: Target, arrived: int) -> Failure:
    where = target.base_url
    if "ConnectError" in kinds:
        return Failure(
            PolicyUnavailable(
                f"Nothing answers at {where}.", "Start the server, or choose another: %metaclaw connect URL."
            )
        )
    if "ConnectTimeout" in kinds:
        return Failure(
            PolicyTimeout(f"{where} cannot be reached: no connection in time.", "Check address and network."),
            retry=True,
        )
    if kinds & {"APITimeoutError", "TimeoutException"}:
        return Failure(
            PolicyTimeout(
                f"{where} sent nothing for {target.timeout:g} s{_after(arrived)}.",
                "Try again, or allow more: %metaclaw config policy.timeout SECONDS.",
            )
        )
    if arrived:
        return Failure(cut_off(target, arrived))
    return Failure(
        PolicyUnavailable(
            f"{where} closed the connection without an answer.", "Look at the server's log, or try again."
        ),
        retry=True,
    )


def cut_off(target: Target, arrived: int) -> PolicyMalformed:
    """The error for an answer that ends in the middle."""
    return PolicyMalformed(
        f"The answer of {target.base_url} was cut off{_after(arrived)}.",
        "Try again; if it happens often, look at the server's log.",
    )


def _kinds(error: BaseException) -> set[str]:
    names = {kind.__name__ for kind in type(error).__mro__}
    return names | (_kinds(error.__cause__) if error.__cause__ else set())


def _after(arrived: int) -> str:
    return f" after {arrived:,} characters" if arrived else ""


# ---------------------------------------------------------------- status


def _of_status(error: Exception, status: int, target: Target) -> Failure:
    where, said = target.base_url, _clean(_message(error), target)
    reason = f" ({status}): {said}" if said else f" ({status})."
    if status == 429 and getattr(error, "code", None) != "insufficient_quota":
        return _of_busy(error, f"{where} takes no more requests now{reason}")
    if status in (408, 504):
        return Failure(PolicyTimeout(f"{where} was too slow{reason}", "Try again."), retry=True)
    if status >= 500 and status != 501:
        return _of_busy(error, f"{where} failed{reason}")
    cause, step = _refusal(error, status, target, reason)
    kind = PromptTooLong if cause.startswith(_PROMPT_TOO_LONG) else PolicyRefused
    return Failure(kind(cause, step))


def _of_busy(error: Exception, cause: str) -> Failure:
    wait = retry_after(_headers(error))
    if wait is not None and wait > LONGEST_WAIT:
        return Failure(PolicyUnavailable(cause, f"It asks to wait {wait:.0f} s; try again then."))
    return Failure(PolicyUnavailable(cause, "Try again in a while."), retry=True, wait=wait)


def _refusal(error: Exception, status: int, target: Target, reason: str) -> tuple[str, str]:
    """Cause and next step of an answer that will not change by asking again."""
    where = target.base_url
    if 300 <= status < 400:
        new = _headers(error).get("location", "another address")
        return f"{where} sends requests on to {_clean(new, target)}", "Connect to that, if you trust it."
    if status == 401 and target.key is None:
        return f"{where} wants a key{reason}", _NAME_ANOTHER
    if status in (401, 403):
        return f"{where} refused the key or what it may do{reason}", _NAME_ANOTHER
    if status in (404, 405):
        return _not_found(error, target, reason)
    if status in (402, 429):
        return f"{where} says that the account has no credit left{reason}", "Top it up, or use another."
    if status == 413 or _TOO_LONG.search(reason):
        step = "Refer to less, or lower agent.reference_chars, agent.observation_chars or policy.max_tokens."
        return f"{_PROMPT_TOO_LONG} {target.model or where}{reason}", step
    return (
        f"{where} refused the request{reason}",
        "Check policy.model, policy.max_tokens and policy.extra: %metaclaw config.",
    )


def _not_found(error: Exception, target: Target, reason: str) -> tuple[str, str]:
    where, message = target.base_url, _message(error)
    if "model" in message.lower() or getattr(error, "code", None) == "model_not_found":
        return (
            f"{where} has no model {target.model!r}{reason}",
            "Name one that it has: %metaclaw connect URL --model NAME.",
        )
    return _missing_path(where, reason)


def _missing_path(base_url: str, reason: str) -> tuple[str, str]:
    """Cause and next step where a server has no chat completions at this address."""
    if _is_versioned(base_url):
        return f"{base_url} has no chat completions{reason}", "Check the base URL."
    return f"{base_url} has no chat completions{reason}", f"Did you mean {base_url}/v1?"


def _is_versioned(base_url: str) -> bool:
    return bool(re.search(r"/v\d+(beta)?\Z", urlsplit(base_url).path))


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that an answer asks to wait (RFC 9110, 10.2.3: a number or a date), None where it does not say."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after", "")
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
            return float(value)
        then = parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    return max(0.0, then - (time.time() if now is None else now))


def _headers(error: Exception) -> Mapping[str, str]:
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    return headers


def _message(error: Exception) -> str:
    """What the server said, "" where it said it in HTML or not at all."""
    body = getattr(error, "body", None)
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("error") or body.get("detail")
    if isinstance(body, Mapping):
        body = body.get("message")
    if body is None:
        body = getattr(getattr(error, "response", None), "text", "")
    text = body if isinstance(body, str) else str(body)
    return "" if text.lstrip().startswith("<") else text


def _clean(text: str, target: Target) -> str:
    """A message on one line, cut, without the key, ending in a full stop."""
    line = " ".join(text.split())
    if target.key is not None:
        line = line.replace(target.key.reveal(), "[key]")
    if len(line) > MESSAGE_CHARS:
        line = line[:MESSAGE_CHARS] + "…"
    return line if not line or line[-1] in ".!?…" else f"{line}."
