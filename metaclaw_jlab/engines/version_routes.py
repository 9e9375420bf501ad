"""The routes of a policy server that tell of its model and its versions: the same whatever serves them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from metaclaw_jlab.engines.served_versions import ServedVersions


@dataclass(frozen=True, slots=True)
class VersionRoutes:
    """Answers for these versions, since `started` (seconds since the epoch), each with a context of so many tokens."""

    versions: ServedVersions[Any]
    started: int
    context: int

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/v1/models", self._models, methods=["GET"]),
            Route("/v1/models/{name:path}", self._model, methods=["GET"]),
            Route("/v1/adapters", self._adapters, methods=["GET"]),
            Route("/v1/adapters/refresh", self._refresh, methods=["POST"]),
        ]

    async def _models(self, _: Request) -> Response:
        base = self.versions.base
        names = [base, *(f"{base}@v{version}" for version in self.versions.versions)]
        return JSONResponse({"object": "list", "data": [self._card(name) for name in names]})

    async def _model(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        self.versions.check(name)
        return JSONResponse(self._card(name))

    async def _adapters(self, _: Request) -> Response:
        return JSONResponse(self.versions.report())

    async def _refresh(self, _: Request) -> Response:
        await asyncio.to_thread(self.versions.refresh, again=True)
        return JSONResponse(self.versions.report())

    def _card(self, name: str) -> dict[str, object]:
        base = self.versions.base
        card: dict[str, object] = {
            "id": name,
            "object": "model",
            "created": self.started,
            "owned_by": "local",
            "max_model_len": self.context,
        }
        return card if name == base else card | {"root": base, "parent": base}
