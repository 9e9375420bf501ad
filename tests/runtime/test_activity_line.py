"""Datagrams between kernels and their host."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from metaclaw_jlab.runtime.activity_line import BUSY, IDLE, Sender, Sign, decode, encode, listen

SECRET = "s3cret"
MARK = "boot:12:34"


def heard(act: Callable[[int, list[Sign]], Awaitable[None]]) -> list[Sign]:
    """What a listener hears while `act` is done with its port."""
    signs: list[Sign] = []

    async def run() -> None:
        transport, port = await listen(SECRET, signs.append)
        try:
            await act(port, signs)
        finally:
            transport.close()

    asyncio.run(run())
    return signs


async def _until(signs: list[Sign], number: int) -> None:
    async with asyncio.timeout(60):
        while len(signs) < number:
            await asyncio.sleep(0)


def test_a_sign_is_heard() -> None:
    async def act(port: int, signs: list[Sign]) -> None:
        sender = Sender(port, SECRET, MARK)
        assert sender.send(BUSY)
        assert sender.send(IDLE)
        await _until(signs, 2)
        sender.close()

    first, second = heard(act)
    assert first == Sign(MARK, BUSY)
    assert first.busy
    assert not second.busy


def test_who_does_not_know_the_secret_is_not_heard() -> None:
    async def act(port: int, signs: list[Sign]) -> None:
        for secret in ("guessed", SECRET):
            sender = Sender(port, secret, MARK + secret)
            sender.send(BUSY)
            sender.close()
        await _until(signs, 1)

    assert heard(act) == [Sign(MARK + SECRET, BUSY)]


def test_where_nobody_listens_sending_raises_nothing() -> None:
    sender = Sender(9, SECRET, MARK)
    sender.send(BUSY)
    sender.send(BUSY)
    sender.close()
    assert sender.send(IDLE) is False


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"metaclaw1",
        b"metaclaw1 token busy boot:1:2",
        encode(Sign(MARK, "asleep"), SECRET),
        encode(Sign(MARK, BUSY), SECRET) + b" more",
        encode(Sign("x" * 600, BUSY), SECRET),
        encode(Sign(MARK, BUSY), SECRET) + b"\xff",
    ],
)
def test_what_is_no_sign_is_nothing(data: bytes) -> None:
    assert decode(data, SECRET) is None


def test_the_secret_itself_is_not_sent() -> None:
    assert SECRET.encode() not in encode(Sign(MARK, BUSY), SECRET)
