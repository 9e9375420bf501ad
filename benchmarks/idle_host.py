"""What the host costs an idle Jupyter server: processor and memory of one with the extension beside one without.

Both servers run at once, so that whatever else the machine does is the same for both; nobody asks them anything. The
children that the host starts count with it."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil

CPU_LIMIT = 0.5  # per cent of one core
MEMORY_LIMIT = 60.0  # MB
START_SECONDS = 180.0
LOOK_SECONDS = 0.2
LIBRARIES = ("libtorch", "chromadb_rust", "onnxruntime")
EXTENSION = "metaclaw_jlab"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one server: per cent of one core over the measured span; resident and unshared memory in MB at its end."""

    cpu_percent: float
    rss_mb: float
    uss_mb: float


def main() -> None:
    """Measure, print and write build/bench/idle_host.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="pairs of servers that are started")
    parser.add_argument("--settle", type=float, default=30.0, help="seconds before it is measured")
    parser.add_argument("--seconds", type=float, default=120.0, help="seconds that are measured")
    asked = parser.parse_args()
    rounds = [measure(asked.settle, asked.seconds) for _ in range(asked.rounds)]
    report = {
        "rounds": [{name: asdict(cost) for name, cost in found.items()} for found in rounds],
        "more_cpu_percent": median(
            found["with"].cpu_percent - found["without"].cpu_percent for found in rounds
        ),
        "more_rss_mb": median(found["with"].rss_mb - found["without"].rss_mb for found in rounds),
        "more_uss_mb": median(found["with"].uss_mb - found["without"].uss_mb for found in rounds),
        "limit_cpu_percent": CPU_LIMIT,
        "limit_mb": MEMORY_LIMIT,
        "seconds": asked.seconds,
        "cores": os.cpu_count(),
    }
    target = Path("build/bench/idle_host.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def measure(settle: float, seconds: float) -> dict[str, Cost]:
    """One pair of servers, side by side."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = {
            name: stack.enter_context(server(Path(folder) / name, enabled=name == "with"))
            for name in ("without", "with")
        }
        time.sleep(settle)
        before = {name: busy_seconds(found) for name, found in servers.items()}
        began = time.perf_counter()
        time.sleep(seconds)
        lasted = time.perf_counter() - began
        costs = {
            name: Cost(
                cpu_percent=100 * (busy_seconds(found) - before[name]) / lasted,
                rss_mb=megabytes(found, "rss"),
                uss_mb=megabytes(found, "uss"),
            )
            for name, found in servers.items()
        }
        refuse_heavy(servers["with"])
    return costs


@contextmanager
def server(folder: Path, *, enabled: bool) -> Iterator[psutil.Process]:
    """A Jupyter server without other extensions, from its first answer on."""
    (folder / "work").mkdir(parents=True)
    port = free_port()
    extensions = {EXTENSION: enabled, "jupyterlab": False, "notebook_shim": False, "jupyter_lsp": False}
    arguments = [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={folder / 'work'}",
        f"--ServerApp.jpserver_extensions={extensions}",
        "--IdentityProvider.token=idle",
    ]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", *arguments], env=environment(folder), stdout=log, stderr=log
    )
    try:
        asked = "metaclaw/api/health" if enabled else "api/status"
        answer = wait_for(f"http://127.0.0.1:{port}/{asked}", process, folder / "log")
        if enabled and not answer["standing"]["active"]:
            raise SystemExit(f"The server is not the active host: {answer['standing']['sentence']}")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()
        log.close()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> dict[str, dict[str, object]]:
    """The first answer; of the host the first one after it has begun."""
    deadline = time.monotonic() + START_SECONDS
    request = urllib.request.Request(url, headers={"Authorization": "token idle"})
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                found: dict[str, dict[str, object]] = json.loads(answer.read())
            if found.get("standing", {}).get("active", True):
                return found
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(LOOK_SECONDS)
    raise SystemExit(f"The server did not come up:\n{log.read_text()[-3000:]}")


def family(process: psutil.Process) -> Sequence[psutil.Process]:
    """The process and all that it has started."""
    return [process, *process.children(recursive=True)]


def busy_seconds(process: psutil.Process) -> float:
    """Processor time so far, that of children that have ended included."""
    times = process.cpu_times()
    ended = times.children_user + times.children_system
    running = (one.cpu_times() for one in family(process))
    return float(ended + sum(found.user + found.system for found in running))


def megabytes(process: psutil.Process, kind: str) -> float:
    """Memory of the process and its children."""
    return float(sum(getattr(one.memory_full_info(), kind) for one in family(process)) / 1e6)


def refuse_heavy(process: psutil.Process) -> None:
    """Nothing that belongs to training or vectors may be loaded in an idle host."""
    maps = {Path(found.path).name for found in process.memory_maps()}
    loaded = sorted(name for name in maps if name.startswith(LIBRARIES))
    if loaded:
        raise SystemExit(f"An idle host has loaded {', '.join(loaded)}.")


def environment(folder: Path) -> Mapping[str, str]:
    """Folders of its own, and no settings of whoever measures."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("METACLAW_", "JUPYTER"))
    }
    places = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    own = {f"JUPYTER_{place}": str(folder / place.lower()) for place in places}
    return {**kept, **own, "HOME": str(folder), "METACLAW_HOME": str(folder / "home")}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    main()
