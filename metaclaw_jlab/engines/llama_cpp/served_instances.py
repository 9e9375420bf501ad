"""Which instances run: one for each version that serves or is needed, and one for the base while it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.engines.llama_cpp.running_instance import RunningInstance
from metaclaw_jlab.engines.served_versions import Chosen, ServedVersions, key

if TYPE_CHECKING:
    from metaclaw_jlab.runtime.home import Home

BASE = "base"
SPARE = 1  # each is a process with keys and values of its own
BASE_SECONDS = 300.0  # how long the base stays when a version serves in its place
Make = Callable[
    [str, Path | None], RunningInstance
]  # from the name that answers tell, and the adapter's file


class InstanceBank:
    """The running instances, by their keys. `make` starts one and returns when it answers (raises ModelUnusable)."""

    def __init__(self, base: str, make: Make) -> None:
        self._name = base
        self._make = make
        self._starting = threading.Lock()
        self._running: dict[str, RunningInstance] = {}

    def get(self, name: str) -> RunningInstance | None:
        """What runs under this key."""
        return self._running.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of what runs."""
        return tuple(self._running)

    def load(self, name: str, adapter: Path | None) -> RunningInstance:
        """Have an instance of a version, or of the base where there is no adapter. Raises ModelUnusable."""
        with self._starting:
            if name not in self._running:
                served = self._name if adapter is None else f"{self._name}@{name}"
                self._running[name] = self._make(served, adapter)
            return self._running[name]

    def base(self) -> RunningInstance:
        """The instance without an adapter. Raises ModelUnusable."""
        return self._running.get(BASE) or self.load(BASE, None)

    def unload(self, name: str) -> None:
        """Let an instance go; requests that it answers keep it to their ends."""
        found = self._running.pop(name, None)
        if found is not None:
            found.retire()

    def settle(self) -> None:
        """Let the base go where nobody has asked it for a while."""
        base = self._running.get(BASE)
        if base is not None and base.idle_seconds() > BASE_SECONDS:
            self.unload(BASE)

    def close(self) -> None:
        """End all of them."""
        for one in tuple(self._running.values()):
            one.stop()
        self._running.clear()


class ServedInstances(ServedVersions[RunningInstance]):
    """The versions of a GGUF model. `adapter_file` makes or finds that of a version (raises AdapterRefused)."""

    def __init__(
        self,
        home: Home,
        base: str,
        bank: InstanceBank,
        adapter_file: Callable[[int, str], Path],
        idle: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(home, base, bank, idle, SPARE)
        self._instances = bank
        self._adapter_file = adapter_file

    def refresh(self, *, again: bool = False) -> None:
        """Serve what the store says now; the new instance answers before another one is let go."""
        super().refresh(again=again)
        if self.serving is not None:
            self._instances.settle()

    def running(self, model: str) -> tuple[RunningInstance, str] | None:
        """What answers a model's name and what it is called, counted in; None where it must be started first."""
        while (found := self.chosen(model)) is not None:
            one = found.adapter or self._instances.get(BASE)
            if one is None:
                return None
            if one.enter():
                return one, found.name
        return None

    def started(self, model: str) -> tuple[RunningInstance, str]:
        """The same, started where it does not run. Raises RequestInvalid, ModelUnusable."""
        while (found := self.running(model)) is None:
            chosen: Chosen[RunningInstance] = self.fetched(model)
            if chosen.adapter is None:
                self._instances.base()
        return found

    def _read(self, version: int, sha256: str) -> RunningInstance:
        return self._instances.load(key(version), self._adapter_file(version, sha256))
