"""The policy server: `python -m metaclaw_jlab.engines.policy_server --home PATH --model NAME|PATH|HUB_ID [--form F]`.

One process a home. GGUF files are answered for by llama.cpp, safetensors by torch. It publishes itself when its model
answers, and ends when nobody has asked for a while, when its home is gone, or on SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import MetaclawError, ModelUnusable
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.server_life import Life, answer, check_alone, listen
from metaclaw_jlab.policies.served_model import WantedForm, resolve
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.server_refusal import leave_refusal

if TYPE_CHECKING:
    from metaclaw_jlab.engines.adapters import ServedAdapters
    from metaclaw_jlab.engines.decoding import Decoder
    from metaclaw_jlab.engines.local_models import LocalModel

_log = logging.getLogger(__name__)
TINY_PARAMETERS = 20_000_000
SWITCH_SECONDS = 0.001  # the decode loop hands the interpreter over and gets it back many times a step


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    home: Path
    model: str
    form: WantedForm
    port: int
    idle_minutes: float
    max_batch: int
    slots: int
    context: int
    threads: int


def options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m metaclaw_jlab.engines.policy_server", description=__doc__
    )
    parser.add_argument("--home", type=Path, required=True, help="home folder")
    parser.add_argument(
        "--model", default=EMBEDDED_MODEL, help="name, folder, GGUF file or hub id of a causal model"
    )
    parser.add_argument(
        "--form", choices=("auto", "gguf", "safetensors"), default="auto", help="what to serve it from"
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--idle-minutes", type=float, default=30.0, help="end after so long without a request"
    )
    parser.add_argument(
        "--max-batch", type=int, default=32, help="most completions decoded together, of safetensors"
    )
    parser.add_argument("--slots", type=int, default=4, help="most completions decoded together, of GGUF")
    parser.add_argument(
        "--context", type=int, default=0, help="tokens of context of a GGUF slot; 0 takes the usual"
    )
    parser.add_argument("--threads", type=int, default=0, help="threads; 0 goes by the model and the machine")
    found = parser.parse_args(arguments)
    for name in ("idle_minutes", "max_batch", "slots"):
        if getattr(found, name) <= 0:
            parser.error(f"--{name.replace('_', '-')} must be more than 0")
    return Options(**vars(found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until there is a reason to end; the exit code."""
    chosen = options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for name in ("httpx", "uvicorn", "transformers"):
        logging.getLogger(name).setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _end)
    try:
        _serve(chosen)
    except MetaclawError as error:
        _log.error("%s", error)
        leave_refusal(Home(chosen.home), error)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def threads_for(parameters: int) -> int | None:
    """Threads for a model of this size; None leaves it to torch.

    A tiny model's steps are too short to share: a second thread gains little, and each wait for it costs a time slice
    when other processes want the cores.
    """
    return 1 if parameters < TINY_PARAMETERS else None


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def _serve(chosen: Options) -> None:
    started = time.monotonic()
    home = open_home(chosen.home)
    check_alone(home)
    listener = listen(chosen.port)
    _log.info("loading %s", chosen.model)
    file = _gguf_file(home, chosen)
    try:
        if file is None:
            _serve_safetensors(chosen, home, listener, started)
        else:
            _serve_gguf(chosen, home, file, listener, started)
    finally:
        _log.info("ended")


def _gguf_file(home: Home, chosen: Options) -> Path | None:
    """The file that llama.cpp is to serve, None where torch serves. Raises ModelUnusable."""
    if chosen.form == "safetensors":
        return None
    model = resolve(home, chosen.model, chosen.form)
    if model.form == "gguf":
        return Path(str(model.place))
    if chosen.form == "gguf":
        raise ModelUnusable(f"{chosen.model} is no GGUF file.", "Leave policy.local_form out.")
    return None


def _serve_gguf(chosen: Options, home: Home, file: Path, listener: socket.socket, started: float) -> None:
    from metaclaw_jlab.engines.llama_cpp.server import Wanted, serve

    wanted = Wanted(chosen.model, file, chosen.slots, chosen.context, chosen.threads, chosen.idle_minutes)
    serve(home, listener, wanted, started)


def _serve_safetensors(chosen: Options, home: Home, listener: socket.socket, started: float) -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.setswitchinterval(SWITCH_SECONDS)
    served = _load(chosen, home)
    from metaclaw_jlab.engines.adapter_bank import AdapterBank
    from metaclaw_jlab.engines.adapters import ServedAdapters
    from metaclaw_jlab.engines.decoding import Decoder
    from metaclaw_jlab.engines.local_models import locate

    threads = chosen.threads if chosen.threads > 0 else threads_for(served.model.num_parameters())
    bank = AdapterBank(served.model)
    decoder = Decoder(served, max_batch=chosen.max_batch, threads=threads, bank=bank)
    place = locate(chosen.model, home)
    adapters = ServedAdapters(home, served.name, place, bank, lambda: decoder.running == 0)
    try:
        _refresh(adapters)
        asyncio.run(_answer(chosen, home, listener, served, decoder, adapters, started))
    finally:
        adapters.close()
        decoder.close()


def _refresh(adapters: ServedAdapters) -> None:
    """Load what serves before the first request; a store that cannot be read leaves the base."""
    try:
        adapters.refresh()
    except MetaclawError as error:
        _log.warning("cannot look for adapters: %s", error)
    adapters.watch()


def _load(chosen: Options, home: Home) -> LocalModel:
    from metaclaw_jlab.engines.local_models import load, locate

    locate(chosen.model, home)  # a wrong name is told before the libraries are loaded, which takes seconds
    import torch

    if chosen.threads > 0:
        torch.set_num_threads(chosen.threads)
    import transformers.utils.logging

    bars: Any = transformers.utils.logging
    bars.disable_progress_bar()
    return load(chosen.model, home)


async def _answer(
    chosen: Options,
    home: Home,
    listener: socket.socket,
    served: LocalModel,
    decoder: Decoder,
    adapters: ServedAdapters,
    started: float,
) -> None:
    from metaclaw_jlab.engines.web import Service, application

    activity, token = Activity(), secrets.token_urlsafe(32)
    service = Service(served, decoder, activity, token, int(time.time()), adapters)
    life = Life(home, chosen.model, "safetensors", token, activity, chosen.idle_minutes, started)
    await answer(application(service), listener, life)


if __name__ == "__main__":
    sys.exit(main())
