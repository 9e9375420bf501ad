"""The keys of the proxy's clients. Only their hashes are kept: a key is shown once, when it is made."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Row, insert, select, update

from metaclaw_jlab.core.errors import NotFound, UsageMistake
from metaclaw_jlab.core.namespace import checked
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.host_schema import client_keys

PREFIX = "mclaw"
KEY = re.compile(rf"{PREFIX}-([0-9a-f]{{12}})-[A-Za-z0-9_-]{{43}}")  # id of the key, then 32 random bytes
NAME = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,62}[^\s\x00-\x1f\x7f])?")
TOUCH_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What a client wants otherwise than the configuration says; None where it says nothing."""

    skills: bool | None = None
    learn: bool | None = None


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A key without its secret. Times are seconds since the epoch; the namespace "" is the home's own."""

    id: str
    name: str
    namespace: str
    settings: ClientSettings
    created_at: float
    used_at: float | None
    revoked_at: float | None


class ClientKeys:
    """The clients of a home."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(
        self, name: str, namespace: str = "", settings: ClientSettings | None = None
    ) -> tuple[ClientKey, str]:
        """A new client and its key, which cannot be had again.

        Raises UsageMistake for a name or namespace that cannot be, InvariantViolation for a name that is in use.
        """
        if not NAME.fullmatch(name):
            raise UsageMistake(
                f"{name[:65]!r} cannot be the name of a client.", "Use at most 64 characters on one line."
            )
        identity = secrets.token_hex(6)
        key = f"{PREFIX}-{identity}-{secrets.token_urlsafe(32)}"
        wanted = settings or ClientSettings()
        client = ClientKey(identity, name, checked(namespace), wanted, self._clock(), None, None)
        row = {
            "id": identity,
            "name": name,
            "sha256": _hash(key),
            "namespace": namespace,
            "settings": _dump(wanted),
            "created_at": client.created_at,
        }
        with self._database.write(durable=True) as connection:
            connection.execute(insert(client_keys), row)
        return client, key

    def find(self, key: str) -> ClientKey | None:
        """Whose key it is; None for one that is unknown, malformed or revoked.

        The comparison takes the same time however much of a wrong key is right.
        """
        form = KEY.fullmatch(key)
        if form is None:
            return None
        query = select(client_keys).where(client_keys.c.id == form[1])
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None or not hmac.compare_digest(row.sha256, _hash(key)) or row.revoked_at is not None:
            return None
        return _client(row)

    def list(self, *, revoked: bool = False) -> tuple[ClientKey, ...]:
        """The clients, the oldest first; those whose key was revoked too where `revoked`."""
        query = select(client_keys).order_by(client_keys.c.created_at, client_keys.c.id)
        if not revoked:
            query = query.where(client_keys.c.revoked_at.is_(None))
        with self._database.read() as connection:
            return tuple(_client(row) for row in connection.execute(query))

    def revoke(self, who: str) -> ClientKey:
        """End a key for good, by its id or by the name of its client. Raises NotFound."""
        table = client_keys.c
        query = select(client_keys).where((table.id == who) | (table.name == who), table.revoked_at.is_(None))
        with self._database.write(durable=True) as connection:
            rows = connection.execute(query).all()
            row = next((row for row in rows if row.id == who), rows[0] if rows else None)
            if row is None:
                raise NotFound(
                    f"There is no client key {who[:65]!r}.",
                    "See those that are there with: metaclaw keys list.",
                )
            now = self._clock()
            connection.execute(update(client_keys).where(table.id == row.id).values(revoked_at=now))
        return replace(_client(row), revoked_at=now)

    def set_settings(self, identity: str, settings: ClientSettings) -> None:
        """Change what a client wants. Raises NotFound."""
        change = update(client_keys).where(client_keys.c.id == identity, client_keys.c.revoked_at.is_(None))
        with self._database.write() as connection:
            if not connection.execute(change.values(settings=_dump(settings))).rowcount:
                raise NotFound(
                    f"There is no client key {identity[:65]!r}.",
                    "See those that are there with: metaclaw keys list.",
                )

    def touch(self, client: ClientKey) -> bool:
        """Note that a key is in use, at most once a minute; says whether it was written."""
        now = self._clock()
        if client.used_at is not None and 0 <= now - client.used_at < TOUCH_SECONDS:
            return False
        column = client_keys.c.used_at
        stale = column.is_(None) | (column <= now - TOUCH_SECONDS) | (column > now)
        change = update(client_keys).where(client_keys.c.id == client.id, stale).values(used_at=now)
        with self._database.write() as connection:
            return bool(connection.execute(change).rowcount)


def _hash(key: str) -> str:
    # 32 random bytes need no slow hash: nobody tries them all.
    return hashlib.sha256(key.encode()).hexdigest()


def _dump(settings: ClientSettings) -> str:
    return encoding.dump({name: value for name, value in asdict(settings).items() if value is not None})


def _client(row: Row[Any]) -> ClientKey:
    kept = json.loads(row.settings)
    settings = ClientSettings(skills=kept.get("skills"), learn=kept.get("learn"))
    return ClientKey(row.id, row.name, row.namespace, settings, row.created_at, row.used_at, row.revoked_at)
