"""An upstream for measurements: completions whose tokens come at a steady rate, and whole ones at once.

python benchmarks/_token_stream.py PORT_FILE
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

MODEL = "steady"


def chunk(delta: dict[str, Any], finish: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    """One event of a stream."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return b"data: " + json.dumps({**body, "choices": choices, "usage": usage}).encode() + b"\n\n"


async def complete(request: web.Request) -> web.StreamResponse:
    """`max_tokens` tokens; `seed` is the rate, 0: as fast as it can."""
    body = await request.json()
    tokens, rate = int(body.get("max_tokens") or 16), int(body.get("seed") or 0)
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
    if not body.get("stream"):
        message = {"role": "assistant", "content": "word " * tokens}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL}
        return web.json_response({**answer, "choices": choices, "usage": usage})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(tokens):
        if rate:
            await asyncio.sleep(began + (number + 1) / rate - loop.time())
        await response.write(chunk({"content": "word "}))
    await response.write(chunk({}, "stop", usage) + b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def models(_: web.Request) -> web.Response:
    """The only model."""
    return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})


async def serve(port_file: Path) -> None:
    """Serve until this process is ended."""
    application = web.Application(client_max_size=1 << 26)
    application.router.add_post("/v1/chat/completions", complete)
    application.router.add_get("/v1/models", models)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    port_file.with_suffix(".new").write_text(str(port))
    port_file.with_suffix(".new").replace(port_file)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
