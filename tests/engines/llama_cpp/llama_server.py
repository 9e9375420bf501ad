"""A front of a test, on a thread, over real HTTP, with real instances behind it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import uvicorn
from tiny_gguf import write_adapter

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.llama_cpp.front import Service, application
from metaclaw_jlab.engines.llama_cpp.instance import Setup
from metaclaw_jlab.engines.llama_cpp.running_instance import RunningInstance
from metaclaw_jlab.engines.llama_cpp.served_instances import InstanceBank, ServedInstances
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.serving import Serving, ServingCause

TOKEN = "token-of-a-test"
MODEL = "tiny"
WAIT = 120.0
SLOT_TOKENS = 512


class Versions:
    """A home whose store has published versions; their GGUF adapters are written when they are asked for."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.database = open_database(home.database)
        self.serving = Serving(self.database)

    def publish(self) -> int:
        adapters = Adapters(self.database)
        made = adapters.add(MODEL, f"{len(adapters.recent(100)):064x}", 0)
        adapters.decide(made.version, AdapterStatus.FORCED, "A test wants it.")
        (self.home.adapters / f"v{made.version}").mkdir(parents=True)
        return made.version

    def serve(self, version: int | None) -> None:
        cause = ServingCause.FORCE if version else ServingCause.ROLLBACK
        self.serving.put(version, cause, "A test wants it.")

    def file(self, version: int, _: str) -> Path:
        return write_adapter(self.home.adapters / f"v{version}" / "adapter.gguf", seed=version)


@dataclass(frozen=True)
class Front:
    versions: ServedInstances
    bank: InstanceBank
    activity: Activity
    port: int
    trouble: list[str] = field(default_factory=list)

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key=TOKEN, max_retries=0)

    def raw(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        sent = {"Authorization": f"Bearer {TOKEN}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, body, {k: v for k, v in sent.items() if v})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        return answer.status, found, dict(answer.getheaders())

    def chat(self, *messages: tuple[str, str], model: str = MODEL, **more: Any) -> dict[str, Any]:
        said = [{"role": role, "content": content} for role, content in messages]
        body = {"model": model, "messages": said, "max_tokens": 8, "temperature": 0} | more
        status, found, _ = self.raw("POST", "/v1/chat/completions", json.dumps(body).encode())
        return found | {"status": status}


def front(model: Path, versions: Versions, slots: int = 2) -> Iterator[Front]:
    trouble: list[str] = []

    def make(name: str, adapter: Path | None) -> RunningInstance:
        at = str(adapter) if adapter is not None else ""
        setup = Setup(str(model), name, at, slots, SLOT_TOKENS, 1, f"key of {name}")
        return RunningInstance(setup, trouble.append)

    bank, activity = InstanceBank(MODEL, make), Activity()
    served = ServedInstances(versions.home, MODEL, bank, versions.file)
    service = Service(served, activity, TOKEN, 0, SLOT_TOKENS)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application(service), log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield Front(served, bank, activity, listener.getsockname()[1], trouble)
    server.should_exit = True
    thread.join()
    served.close()
    bank.close()
