"""The versions that the torch server serves: adapters in its bank, checked against the base model's files.

Loading happens beside the decoder's thread; what is handed over to it is a reference that comes with a request.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import AdapterRefused
from metaclaw_jlab.engines.base_identity import base_sha256, base_stamp, folder_of
from metaclaw_jlab.engines.served_versions import ServedVersions, key

if TYPE_CHECKING:
    from metaclaw_jlab.engines.adapter_bank import AdapterBank, LoadedAdapter
    from metaclaw_jlab.runtime.home import Home


class ServedAdapters(ServedVersions["LoadedAdapter"]):
    """The adapters of a server, of the model in `place`: its folder or hub id."""

    def __init__(
        self,
        home: Home,
        base: str,
        place: Path | str,
        bank: AdapterBank,
        idle: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(home, base, bank, idle)
        self._adapters = bank
        self._place = place
        self._base_stamp = base_stamp(folder_of(place))

    def _read(self, version: int, sha256: str) -> LoadedAdapter:
        from metaclaw_jlab.engines.adapter_weights import Expected

        expected = Expected(self.base, self._base_sha256, version, sha256)
        return self._adapters.load(key(version), self._folder(version), expected)

    def _base_sha256(self) -> str:
        if base_stamp(folder_of(self._place)) != self._base_stamp:
            raise AdapterRefused(
                f"The files of {self.base} have changed since it was loaded.",
                "Restart the policy server: metaclaw stop, then ask again.",
            )
        return base_sha256(self._place)
