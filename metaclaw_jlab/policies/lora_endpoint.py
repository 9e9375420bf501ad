"""Tells a vLLM server about adapters, so that a version of the local policy can be asked for there by name.

Follows vLLM's documentation of its dynamic LoRA endpoints; tried against a scripted server, never against vLLM itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import PolicyError, PolicyMalformed, PolicyRefused
from metaclaw_jlab.policies.client import open_client, transport_errors
from metaclaw_jlab.policies.failure import Target, explain
from metaclaw_jlab.settings.address import is_loopback, normalise
from metaclaw_jlab.settings.secrets import Secret

if TYPE_CHECKING:
    from openai import OpenAI

_MALFORMED = (ValueError, TypeError, AttributeError, LookupError)
_LOADED = re.compile(r"already been loaded|already loaded", re.I)
_OFF = (
    "Start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True in its environment, on this machine only: "
    "whoever reaches such a server may load files into it."
)


def served_name(version: int) -> str:
    """The name of a version at a vLLM server: `<base>@vN` holds signs that not every server takes in a name."""
    return f"metaclaw-v{version}"


@dataclass(frozen=True, slots=True)
class LoraEndpoint:
    """A server with vLLM's LoRA endpoints. `key` is the one that was given for this origin (settings.secrets.key_for);
    it is sent nowhere else, redirects are not followed. `timeout`: seconds without a byte."""

    base_url: str
    key: Secret | None = None
    timeout: float = 60.0

    def is_vllm(self) -> bool:
        """Whether it says so: as the owner of its models, else by telling a version. Raises PolicyError."""
        with self._client() as client:
            owners = {one.get("owned_by") for one in self._models(client)}
            if owners - {None}:
                return "vllm" in owners
            try:
                found = json.loads(client.get(self._root() + "/version", cast_to=str))
            except _expected():
                return False
        return isinstance(found, dict) and isinstance(found.get("version"), str)

    def load(self, version: int, folder: Path) -> str:
        """Have a version loaded from its folder, which the server must see under the same path; the name to ask for.

        A version that it has already stays: versions never change. Raises PolicyError.
        """
        name = served_name(version)
        with self._client() as client:
            refused = self._post(
                client, "/load_lora_adapter", {"lora_name": name, "lora_path": str(folder.absolute())}
            )
            if refused is not None and not (refused.status == 400 and _LOADED.search(refused.message)):
                raise self._error(refused, f"did not load version {version}")
            if name not in {one.get("id") for one in self._models(client)}:
                raise PolicyMalformed(
                    f"{self.base_url} took version {version}, but does not list {name}.",
                    "Look at the server's log.",
                )
        return name

    def unload(self, version: int) -> bool:
        """Have a version unloaded, and say whether the server had it. Raises PolicyError."""
        name = served_name(version)
        with self._client() as client:
            if name not in {one.get("id") for one in self._models(client)}:
                return False
            refused = self._post(client, "/unload_lora_adapter", {"lora_name": name})
        if refused is not None:
            raise self._error(refused, f"did not unload version {version}")
        return True

    def versions(self) -> tuple[int, ...]:
        """The versions that the server lists. Raises PolicyError."""
        with self._client() as client:
            names = [str(one.get("id")) for one in self._models(client)]
        return tuple(
            int(name.removeprefix("metaclaw-v")) for name in names if re.fullmatch(r"metaclaw-v\d+", name)
        )

    def _client(self) -> OpenAI:
        return open_client(normalise(self.base_url), self.key, self.timeout)

    def _root(self) -> str:
        return re.sub(r"/v1\Z", "", normalise(self.base_url))

    def _target(self) -> Target:
        return Target(normalise(self.base_url), "", self.key, self.timeout)

    def _models(self, client: OpenAI) -> list[dict[str, Any]]:
        try:
            body = json.loads(client.get("/models", cast_to=str))
            return [dict(one) for one in body["data"]]
        except _expected() as error:
            failure = explain(error, self._target())
        raise failure.error

    def _post(self, client: OpenAI, path: str, body: dict[str, str]) -> _Refusal | None:
        """Post a body; what a server that refuses it says. Raises PolicyError where it does not answer."""
        import openai

        try:
            client.post(path, cast_to=str, body=body)
        except openai.APIStatusError as error:
            if error.status_code in (400, 404, 405, 422):
                return _Refusal(error.status_code, _said(error, self.key))
            failure = explain(error, self._target())
        except _expected() as error:
            failure = explain(error, self._target())
        else:
            return None
        raise failure.error

    def _error(self, refused: _Refusal, what: str) -> PolicyError:
        if refused.status == 405 or refused.message.strip(" .") in ("", "Not Found"):
            return PolicyRefused(f"{self.base_url} has no LoRA endpoints.", _OFF)
        step = "Check --max-lora-rank and the server's log."
        if not is_loopback(self.base_url):
            step = f"The server must see the adapter's folder under the same path. {step}"
        return PolicyRefused(f"{self.base_url} {what} ({refused.status}): {refused.message}", step)


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    message: str


def _expected() -> tuple[type[Exception], ...]:
    return (*transport_errors(), *_MALFORMED, PolicyError)


def _said(error: Any, key: Secret | None) -> str:
    """The message of an error, whatever the shape it came in, without the key."""
    body = error.body
    for name in ("error", "message", "detail"):
        if isinstance(body, dict) and name in body:
            body = body[name]
    if isinstance(body, dict):
        body = body.get("message")
    text = " ".join(str(body if body is not None else error.response.text).split())
    if key is not None:
        text = text.replace(key.reveal(), "[key]")
    return text[:300]
