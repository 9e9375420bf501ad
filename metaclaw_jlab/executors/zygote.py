"""A warm process: it has loaded what agents' code loads, and forks a keeper for each sandbox that is opened."""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from metaclaw_jlab.executors import confinement
from metaclaw_jlab.executors.frames import send
from metaclaw_jlab.executors.keeper import Terms, keep
from metaclaw_jlab.executors.limits import Limits

_ROOM_FOR_OTHERS = 512
_WARM_UP = {
    "pandas": """
import io, pandas as pd
df = pd.read_csv(io.StringIO("a,b,c,d\\nx,1,2.5,2024-01-02\\ny,3,,2024-02-03\\nx,4,0.5,2024-02-04\\n"))
df["d"] = pd.to_datetime(df["d"]); df["e"] = df["d"].dt.strftime("%d.%m.%Y"); df["f"] = df["b"] * df["c"]
df = df.fillna({"c": 0}); df["c"].round(2).median(); df["a"].str.upper(); df.rename(columns={"f": "g"})
g = df.groupby("a")["b"].agg(["sum", "mean"]).reset_index().sort_values("sum", ascending=False)
m = df[df["b"] > 1].merge(g, on="a", how="left").drop_duplicates().describe()
df.groupby("a")["b"].sum().to_dict(); df.pivot_table(index="a", values="b", aggfunc="mean"); df.dropna()
df.to_csv(io.StringIO(), index=False, sep=";"); df.to_json(orient="records", date_format="iso"); repr(df); str(g)
""",
    "matplotlib": """
import io, matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt
for kind in ("png", "svg", "pdf"):
    fig, ax = plt.subplots(); ax.plot([1, 2], [3, 4]); ax.bar(["a", "b"], [1, 2]); ax.set_title("t")
    fig.savefig(io.BytesIO(), format=kind); plt.close(fig)
""",
}


def main(descriptor: int, settings: str) -> None:
    """Serve the pool at the other end of a socket until it hangs up."""
    control = socket.socket(fileno=descriptor)
    chosen = json.loads(settings)
    scratch = chosen["scratch"] or tempfile.gettempdir()
    if chosen["user"]:
        Path(scratch).chmod(0o1777)
        confinement.leave_root(chosen["user"])
    confinement.die_with_parent()
    missing = [name for name in chosen["preload"] if not _warm(name)]
    nested = chosen["nested"] and _can_nest()
    limits = Limits(**chosen["limits"])
    if not nested:  # then the kernel counts all that the user runs
        limits = replace(limits, processes=limits.processes + _ROOM_FOR_OTHERS + chosen["tasks"])
    terms = Terms(limits, chosen["output_chars"], nested, scratch)
    confinement.set_readable_by_user(False)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    send(control, {"nested": nested, "root": os.getuid() == 0, "missing": missing})
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            keep(socket.socket(fileno=descriptors[0]), terms)
        os.close(descriptors[0])


def _warm(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    source = _WARM_UP.get(name)
    if source is not None:
        stdout, sys.stdout = sys.stdout, io.StringIO()
        try:
            exec(source, {})
        finally:
            sys.stdout = stdout
    return True


def _can_nest() -> bool:
    """Whether a process may take namespaces of its own in here, again and again: tried by one that ends at once."""
    return _succeeds(_nest)


def _nest() -> bool:
    confinement.own_users()
    return _succeeds(_renew)


def _renew() -> bool:
    own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY)
    for _ in range(2):
        confinement.own_room(1 << 20, own_pids)
        if not _succeeds(lambda: True):
            return False
    return True


def _succeeds(action: Callable[[], bool]) -> bool:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if action() else 1
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1] == 0
