"""Which endpoint a key variable was given for: it follows to another path of that origin, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.settings.address import origin

POLICY_URL = "policy.base_url"
# Each key variable, and where its endpoint stands: the first of these settings that has a value.
ENDPOINTS = {
    "policy.key_env": (POLICY_URL,),
    "evolver.key_env": ("evolver.base_url", POLICY_URL),
}
URLS = frozenset(url for urls in ENDPOINTS.values() for url in urls)


def origin_of(key: str, values: Mapping[str, object]) -> str | None:
    """The origin of the endpoint that a key variable serves under these settings, None where there is none."""
    url = _url(key, values)
    address = values.get(url) if url else None
    try:
        return origin(address) if isinstance(address, str) else None
    except UsageMistake:
        return None


def stray(
    key: str, values: Mapping[str, object], sources: Mapping[str, str], given_for: str | None
) -> str | None:
    """Why a key variable, given for that origin, is not meant for the endpoint in force; None where it is."""
    target = origin_of(key, values)
    if values.get(key) is None or target == given_for:
        return None
    if given_for is None and sources.get(_url(key, values) or "") == "administrator":
        return None
    return f"{key} is left out: it was given for {given_for or 'no endpoint'}, not for {target or 'no endpoint'}."


def moved(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """The key variables whose endpoint is at another origin after a change that did not name them."""
    return [
        key
        for key in ENDPOINTS
        if key in before and before[key] == after.get(key) and origin_of(key, before) != origin_of(key, after)
    ]


def _url(key: str, values: Mapping[str, object]) -> str | None:
    return next((url for url in ENDPOINTS[key] if values.get(url) is not None), None)
