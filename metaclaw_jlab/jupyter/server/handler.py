"""The handler behind every operation: who asks, what is asked, and the answer as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.identity import User
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, authenticated

from metaclaw_jlab.core.errors import MetaclawError, NotFound
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.jupyter.server.failure import Failure, failure_of, failure_of_status, status_of
from metaclaw_jlab.jupyter.server.operation import File
from metaclaw_jlab.jupyter.server.request import read_request
from metaclaw_jlab.runtime.host import SECRET_HEADER
from metaclaw_jlab.store.client_keys import PREFIX

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host
    from metaclaw_jlab.jupyter.server.operation import Operation

RESOURCE = "metaclaw"  # what an authoriser of Jupyter is asked about
OF_THE_HOME = User(username="metaclaw-home")  # who has the secret of the home
_ACTIONS = {"GET": "read", "HEAD": "read"}


class OperationHandler(APIHandler):
    """One path and its operations: for Jupyter's own user, where its authoriser lets him; for some of them also for a
    process that has the secret of the home."""

    auth_resource = RESOURCE

    def initialize(self, operations: Mapping[str, Operation], pool: Executor) -> None:
        """Called by tornado for every request."""
        self._operations = operations
        self._pool = pool
        operation = self._operation()
        self._track_activity = operation is not None and operation.counts

    @property
    def host(self) -> Host:
        """The host of this server."""
        found: Host = self.settings["metaclaw_host"]
        return found

    async def prepare(self) -> None:  # type: ignore[override]
        """Find out who asks. A process with the secret comes from no page: Jupyter has nothing to ask it."""
        if not self._by_secret():
            await super().prepare()
        elif self.check_host():
            self.current_user = self._jupyter_current_user = OF_THE_HOME
        else:
            raise HTTPError(403)

    @authenticated
    async def get(self, **path: str) -> None:
        """Answer, if there is such an operation."""
        await self._answer(path)

    @authenticated
    async def post(self, **path: str) -> None:
        """Answer, if there is such an operation."""
        await self._answer(path)

    @authenticated
    async def delete(self, **path: str) -> None:
        """Answer, if there is such an operation."""
        await self._answer(path)

    @authenticated
    async def put(self, **path: str) -> None:
        """Answer, if there is such an operation."""
        await self._answer(path)

    @authenticated
    async def patch(self, **path: str) -> None:
        """There is none."""
        await self._answer(path)

    head = patch

    def write_error(self, status_code: int, **details: Any) -> None:
        """Tell what tornado or Jupyter refused the way that all failures are told."""
        error = details.get("exc_info", (None, None, None))[1]
        message = error.log_message or "" if isinstance(error, HTTPError) else ""
        if status_code == 405:
            self.set_header("Allow", ", ".join(sorted({*self._operations, "OPTIONS"})))
        self._tell(status_code, failure_of_status(status_code, message))

    async def _answer(self, path: Mapping[str, str]) -> None:
        await self._admit()
        operation = self._operation()
        if operation is None:
            raise HTTPError(405)
        try:
            asked = read_request(operation, path, self.request.query_arguments, self.request.body)
            answer = await self._call(operation, asked)
        except MetaclawError as error:
            self._tell(status_of(error), failure_of(error))
        except Exception:  # whatever breaks is told to the client as an object, and to the log in full
            self.log.exception("metaclaw: %s failed", operation.name)
            self._tell(500, failure_of_status(500))
        else:
            self.set_status(operation.status)
            await self._send(answer)

    async def _send(self, answer: str | File) -> None:
        if isinstance(answer, File):
            self.set_attachment_header(answer.name)
            await self.finish(answer.content, set_content_type=answer.mime)
        else:
            await self.finish(answer)

    async def _call(self, operation: Operation, asked: Mapping[str, object]) -> str | File:
        call = partial(operation.call, self.host, **asked)
        if operation.on_loop:
            return _encoded(call())
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: _encoded(call()))

    async def _admit(self) -> None:
        """Raises HTTPError unless whoever asks may."""
        user = self.current_user
        if user is OF_THE_HOME:
            return
        if self._has_client_key():
            raise HTTPError(403, "A client's key is good for /metaclaw/v1 only.")
        action = _ACTIONS.get(self.request.method or "", "write")
        if not await ensure_async(self.authorizer.is_authorized(self, user, action, RESOURCE)):
            raise HTTPError(403, f"You may not {action} here.")

    def _by_secret(self) -> bool:
        """Whether a process of this home asks, for something that it may ask."""
        given, operation = self.request.headers.get(SECRET_HEADER), self._operation()
        return given is not None and operation is not None and operation.secret and self.host.knows(given)

    def _has_client_key(self) -> bool:
        """Where Jupyter asks nobody who he is, a key of the proxy would pass too."""
        headers = self.request.headers
        words = f"{headers.get('Authorization', '')} {headers.get('X-Api-Key', '')}".split()
        return any(word.startswith(f"{PREFIX}-") for word in words)

    def _operation(self) -> Operation | None:
        return self._operations.get(self.request.method or "")

    def _tell(self, status: int, failure: Failure) -> None:
        self.set_status(status)
        self.finish(json.dumps(asdict(failure)))


class NothingHandler(OperationHandler):
    """Whatever else is asked under the root: there is nothing, which only who is known gets to hear."""

    async def _answer(self, _path: Mapping[str, str]) -> None:
        await self._admit()
        self._tell(
            404, failure_of(NotFound("There is no such operation.", "See openapi.json for those that are."))
        )


def _encoded(value: object) -> str | File:
    return value if isinstance(value, File) else json.dumps(as_json(value), allow_nan=False)
