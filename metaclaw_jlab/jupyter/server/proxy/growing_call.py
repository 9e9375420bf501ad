"""A call of a tool while it is streamed."""

from __future__ import annotations

from dataclasses import dataclass

from metaclaw_jlab.jupyter.server.proxy.completion import CallPiece


@dataclass(slots=True)
class GrowingCall:
    """`place`: where it lies in the answer, None until it could begin there; `arguments`: all that came so far."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    place: int | None = None


def grown(calls: list[GrowingCall], piece: CallPiece) -> GrowingCall:
    """The call that a piece belongs to, with it; a new one is put into `calls`.

    Some servers number every call 0: another id is another call.
    """
    found = next((call for call in reversed(calls) if call.index == piece.index), None)
    if found is None or (piece.id and found.id and piece.id != found.id):
        found = GrowingCall(piece.index)
        calls.append(found)
    found.id, found.name = found.id or piece.id, found.name or piece.name
    found.arguments += piece.arguments
    return found
