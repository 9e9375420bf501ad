"""A policy server of a test, on a thread, over real HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import uvicorn

from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.adapter_bank import AdapterBank
from metaclaw_jlab.engines.adapters import ServedAdapters
from metaclaw_jlab.engines.decoding import Decoder
from metaclaw_jlab.engines.web import Service, application
from metaclaw_jlab.runtime.home import Home

TOKEN = "token-of-a-test"
MODEL = "tiny"
WAIT = 30.0


@dataclass(frozen=True)
class Running:
    service: Service
    port: int

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key=TOKEN, max_retries=0)

    def raw(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        sent = {"Authorization": f"Bearer {TOKEN}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, body, {k: v for k, v in sent.items() if v})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        return answer.status, found


def serve(served: Any, place: Path, home: Home) -> Iterator[Running]:
    bank = AdapterBank(served.model)
    decoder = Decoder(served, threads=1, bank=bank)
    adapters = ServedAdapters(home, served.name, place, bank)
    service = Service(served, decoder, Activity(), TOKEN, 0, adapters)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application(service), log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield Running(service, listener.getsockname()[1])
    server.should_exit = True
    thread.join()
    adapters.close()
    decoder.close()
    bank.close()
