"""An upstream for measurements that thinks no time at all: it answers a task with the code that the task names.

python benchmarks/_instant_policy.py PORT_FILE
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

MODEL = "instant"
ASKED = "Run: "


def reply(messages: list[dict[str, str]]) -> str:
    """The code of the task, and that it is done."""
    text = messages[-1]["content"]
    code = text.partition(ASKED)[2].splitlines()[0]
    return f"```python\n{code}\n```\nDone."


async def complete(request: web.Request) -> web.StreamResponse:
    """A whole completion, as one piece where a stream is wanted."""
    body: dict[str, Any] = await request.json()
    text = reply(body["messages"])
    head = {"id": "chatcmpl-1", "created": 1, "model": MODEL}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    if not body.get("stream"):
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return web.json_response({**head, "object": "chat.completion", "choices": choices, "usage": usage})
    choices = [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": "stop"}]
    chunk = {**head, "object": "chat.completion.chunk", "choices": choices, "usage": usage}
    return web.Response(
        body=b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n",
        content_type="text/event-stream",
    )


async def models(_: web.Request) -> web.Response:
    """The only model."""
    return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})


async def serve(port_file: Path) -> None:
    """Serve until this process is ended."""
    application = web.Application()
    application.router.add_post("/v1/chat/completions", complete)
    application.router.add_get("/v1/models", models)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    draft = port_file.with_suffix(".draft")
    draft.write_text(str(runner.addresses[0][1]))
    draft.replace(port_file)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
