"""The HTTP client of one endpoint: the `openai` library, held to this endpoint's key, address and time-outs.

By itself the library reads keys, organisation and headers from the environment and sends them to whatever base URL it
is given, follows redirects with the prompt, and retries. All of that is turned off here.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from metaclaw_jlab.settings.address import is_loopback, origin
from metaclaw_jlab.settings.secrets import OPENAI_ORIGIN, Secret

if TYPE_CHECKING:
    from httpx2 import Request
    from openai import OpenAI

CONNECT_SECONDS = 10.0
_SENT = {
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-stainless-raw-response",  # the library reads it back to know what it was asked for
}
_SENT_TO_OPENAI = {"openai-organization", "openai-project"}


def open_client(base_url: str, key: Secret | None, timeout: float) -> OpenAI:
    """A client for a normalised base URL. `timeout` is in seconds without a byte; connecting has at most 10."""
    import openai

    kept = _SENT | (_SENT_TO_OPENAI if origin(base_url) == OPENAI_ORIGIN else set())

    def prune(request: Request) -> None:
        for name in [name for name in request.headers if name.lower() not in kept]:
            del request.headers[name]
        if key is not None:
            request.headers["Authorization"] = f"Bearer {key.reveal()}"

    http = openai.DefaultHttpxClient(
        trust_env=not is_loopback(base_url), follow_redirects=False, event_hooks={"request": [prune]}
    )
    return openai.OpenAI(
        base_url=base_url,
        api_key="set by the hook",
        timeout=openai.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
        max_retries=0,
        http_client=http,
    )


@cache
def transport_errors() -> tuple[type[Exception], ...]:
    """What the client raises. Some releases of the library let their HTTP library's errors through while streaming."""
    import openai

    http = importlib.import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])
    return (openai.OpenAIError, http.HTTPError)
