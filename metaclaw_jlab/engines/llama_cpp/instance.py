"""One llama.cpp server: `python -m metaclaw_jlab.engines.llama_cpp.instance`, a child of the front.

Its first line of input is a Setup, its only line of output the address where it listens. It ends when its input does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

HOST = "127.0.0.1"
LOG_LEVEL = 2  # warnings and errors
CACHE_MIB = 256  # prompts of slots that were given to others
SPARE_CONNECTIONS = 28  # those that wait for a slot hold a thread each


@dataclass(frozen=True, slots=True)
class Setup:
    """What an instance serves: `name` is told in its answers, `adapter` the GGUF file of a LoRA or ""."""

    model: str
    name: str
    adapter: str
    slots: int
    slot_tokens: int
    threads: int
    key: str = field(repr=False)

    def line(self) -> str:
        """The form in which it is handed over."""
        return json.dumps(asdict(self)) + "\n"


def parameters(setup: Setup) -> Any:
    """The parameters of llama.cpp.

    Slots have contexts of their own: in a common one a long conversation could fail those beside it. Prefixes that a
    slot has read are reused exactly; moving later parts of a prompt (n_cache_reuse) would change answers.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = setup.model
    params.model_alias = {setup.name}
    params.n_parallel = setup.slots
    params.n_ctx = setup.slots * setup.slot_tokens
    params.kv_unified = False
    params.cache_prompt = True
    params.n_cache_reuse = 0
    params.cache_ram_mib = CACHE_MIB
    params.cpuparams.n_threads = setup.threads
    params.cpuparams_batch.n_threads = setup.threads
    params.n_threads_http = setup.slots + SPARE_CONNECTIONS
    params.hostnames = [HOST]
    params.port = 0
    params.api_keys = [setup.key]
    params.use_jinja = True
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = LOG_LEVEL
    # Fitting loads a model twice; it only decides how much of it a GPU takes.
    params.fit_params = any(
        "GPU" in getattr(device["type"], "name", "") for device in xllamacpp.get_device_info()
    )
    if setup.adapter:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(setup.adapter, 1.0)]
    return params


def main() -> int:
    """Serve until the input ends; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the front is told, and ends this
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints goes to the log
    setup = Setup(**json.loads(sys.stdin.readline()))
    import xllamacpp

    try:
        server = xllamacpp.Server(parameters(setup))
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    told.write(f"{server.listening_address}\n")
    told.close()
    sys.stdin.read()
    os._exit(0)  # at once, also in the middle of an answer


if __name__ == "__main__":
    sys.exit(main())
