"""Keys of endpoints, from the environment or the keyring. A key belongs to one origin and goes nowhere else."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import SecretError, UsageMistake
from metaclaw_jlab.settings.address import origin

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "metaclaw"
OPENAI_ORIGIN = "https://api.openai.com"
OPENAI_VARIABLE = "OPENAI_API_KEY"
_HEADER_SAFE = re.compile(r"[!-~]+\Z")
_USE_ENVIRONMENT = "Put the key in an environment variable and name it with --key-env."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that neither prints nor logs itself. `reveal()` is for the request's header only."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The key."""
        return self._text

    def __str__(self) -> str:
        return "Secret()"

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)

    def __reduce__(self) -> str:
        raise TypeError("A secret is not pickled.")


def key_for(
    url: str, key_env: str | None = None, *, environment: Mapping[str, str] | None = None
) -> Secret | None:
    """The key for a URL's origin: from the variable `key_env` where named, else OPENAI_API_KEY where the origin is
    OpenAI's or that of OPENAI_BASE_URL, else the keyring's; None where there is none. Raises SecretError."""
    environment = os.environ if environment is None else environment
    target = origin(url)
    if key_env:
        return _named_key(target, key_env, environment)
    if target in _openai_origins(environment) and environment.get(OPENAI_VARIABLE, "").strip():
        return _checked(environment[OPENAI_VARIABLE], f"The value of {OPENAI_VARIABLE}")
    return _from_keyring(target)


def save_key(url: str, key: str | Secret) -> str:
    """Put a key in the keyring, for this URL's origin, which is returned. Raises SecretError."""
    target = origin(url)
    secret = _checked(key.reveal() if isinstance(key, Secret) else key, "The key")
    backend = _encrypting_backend()
    if backend is None:
        raise SecretError(
            "No keyring that encrypts is available here, and keys are not stored in plain text.",
            _USE_ENVIRONMENT,
        )
    from keyring.errors import KeyringError

    try:
        backend.set_password(SERVICE, target, secret.reveal())
    except (KeyringError, NotImplementedError) as error:
        raise SecretError(
            f"The keyring did not take the key ({type(error).__name__}).", f"Unlock it. {_USE_ENVIRONMENT}"
        ) from None
    return target


def forget_key(url: str) -> bool:
    """Take the key of a URL's origin out of the keyring; False where there was none. Raises SecretError."""
    target = origin(url)
    backend = _encrypting_backend()
    if backend is None or _from_keyring(target) is None:
        return False
    from keyring.errors import KeyringError

    try:
        backend.delete_password(SERVICE, target)
    except (KeyringError, NotImplementedError) as error:
        raise SecretError(
            f"The keyring did not give up the key ({type(error).__name__}).", "Unlock it and try again."
        ) from None
    return True


def keyring_name() -> str | None:
    """The keyring that would keep a key, by its own name; None where there is none that encrypts."""
    backend = _encrypting_backend()
    return None if backend is None else str(backend.name)


def _named_key(target: str, key_env: str, environment: Mapping[str, str]) -> Secret:
    if key_env == OPENAI_VARIABLE and target not in _openai_origins(environment):
        raise SecretError(
            f"{OPENAI_VARIABLE} belongs to {OPENAI_ORIGIN}; it is not sent to {target}.",
            "Put that endpoint's key in another variable and name it with --key-env.",
        )
    if not environment.get(key_env, "").strip():
        raise SecretError(
            f"The environment variable {key_env} is not set.",
            "Set it where Jupyter is started, or name another with --key-env.",
        )
    return _checked(environment[key_env], f"The value of {key_env}")


def _openai_origins(environment: Mapping[str, str]) -> set[str]:
    origins = {OPENAI_ORIGIN}
    if configured := environment.get("OPENAI_BASE_URL", "").strip():
        try:
            origins.add(origin(configured))
        except UsageMistake:
            _log.warning("OPENAI_BASE_URL holds no URL; it is ignored.")
    return origins


def _checked(text: str, subject: str) -> Secret:
    text = text.strip()
    if not _HEADER_SAFE.match(text):
        raise SecretError(
            f"{subject} is empty or has blanks or characters beyond ASCII.", "Copy the key again, whole."
        )
    return Secret(text)


def _from_keyring(target: str) -> Secret | None:
    backend = _encrypting_backend()
    if backend is None:
        return None
    from keyring.errors import KeyringError

    try:
        text = backend.get_password(SERVICE, target)
    except (KeyringError, NotImplementedError) as error:
        _log.warning("The keyring could not be read (%s); going on without a key.", type(error).__name__)
        return None
    return _checked(text, "The key in the keyring") if text else None


def _encrypting_backend() -> KeyringBackend | None:
    """The keyring's first backend that is neither absent, null nor plain text."""
    import keyring
    from keyring.backends.chainer import ChainerBackend
    from keyring.errors import KeyringError

    try:
        backend = keyring.get_keyring()
    except (KeyringError, ImportError, AttributeError, TypeError, ValueError) as error:
        _log.warning("The keyring is set up wrongly (%s: %s).", type(error).__name__, error)
        return None
    candidates = backend.backends if isinstance(backend, ChainerBackend) else [backend]
    return next((candidate for candidate in candidates if _encrypts(candidate)), None)


def _encrypts(backend: KeyringBackend) -> bool:
    return not any(
        kind.__module__ in ("keyring.backends.null", "keyring.backends.fail")
        or "plaintext" in kind.__name__.lower()
        for kind in type(backend).__mro__
    )
