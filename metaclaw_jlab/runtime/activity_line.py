"""The line by which kernels tell the host at once that they are used: datagrams on loopback, a word each.

A datagram carries a token made of the home's secret, a state, and the mark of its process; nothing of the user's. Who
sends never waits, and loses nothing where nobody listens.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BUSY, IDLE = "busy", "idle"
_STATES = frozenset({BUSY, IDLE})
_VERSION = b"metaclaw1"
_PURPOSE = b"activity"
_LONGEST = 512  # bytes


@dataclass(frozen=True, slots=True)
class Sign:
    """What a process said: its mark (see runtime.processes.this_process) and whether it is used now."""

    process: str
    state: str

    @property
    def busy(self) -> bool:
        """Whether it works for its user now."""
        return self.state == BUSY


class Sender:
    """A process's end of the line. Sending takes microseconds."""

    def __init__(self, port: int, secret: str, process: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self._words = {state: encode(Sign(process, state), secret) for state in _STATES}

    def send(self, state: str) -> bool:
        """Say `busy` or `idle`; whether it went out. What the listener's absence makes of it shows with the next."""
        try:
            return self._socket.send(self._words[state]) > 0
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the line."""
        self._socket.close()


class Line(asyncio.DatagramProtocol):
    """The host's end of the line."""

    def __init__(self, secret: str, on_sign: Callable[[Sign], None]) -> None:
        self._secret = secret
        self._on_sign = on_sign

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:  # noqa: ARG002
        """Called by the loop. What does not carry the token is nobody's."""
        if (sign := decode(data, self._secret)) is not None:
            self._on_sign(sign)


async def listen(secret: str, on_sign: Callable[[Sign], None]) -> tuple[asyncio.DatagramTransport, int]:
    """Listen on a free loopback port of the running loop; the transport, to be closed, and the port. Raises OSError."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Line(secret, on_sign), local_addr=("127.0.0.1", 0)
    )
    return transport, int(transport.get_extra_info("sockname")[1])


def encode(sign: Sign, secret: str) -> bytes:
    """A sign as a datagram."""
    return b" ".join((_VERSION, _token(secret), sign.state.encode("ascii"), sign.process.encode("ascii")))


def decode(data: bytes, secret: str) -> Sign | None:
    """Inverse of encode; None for anything else."""
    parts = data.split(b" ")
    if len(data) > _LONGEST or len(parts) != 4 or parts[0] != _VERSION:
        return None
    if not hmac.compare_digest(parts[1], _token(secret)):
        return None
    try:
        sign = Sign(parts[3].decode("ascii"), parts[2].decode("ascii"))
    except UnicodeDecodeError:
        return None
    return sign if sign.state in _STATES else None


def _token(secret: str) -> bytes:
    """It opens the line and nothing else: the secret itself is never sent."""
    return hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).hexdigest().encode("ascii")
