"""A file that lies on this machine already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import FetchFailed
from metaclaw_jlab.policies.model_sources.transfer import CHUNK, Meter, WantedFile


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file, or the folder that the wanted file lies in."""

    path: Path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def room(self) -> int:
        """Nothing beside the copy."""
        return 0

    def fetch(self, file: WantedFile, draft: Path, meter: Meter) -> None:
        """Copy what is missing. Raises FetchFailed, FetchStopped, OSError where the copy cannot be written."""
        place = self.path / file.name if self.path.is_dir() else self.path
        try:
            reader = place.open("rb")
        except OSError as error:
            raise FetchFailed(f"{place} cannot be read ({error.strerror}).", "Check the path.") from error
        with reader, draft.open("ab") as writer:
            done = reader.seek(draft.stat().st_size)
            while chunk := reader.read(CHUNK):
                writer.write(chunk)
                done += len(chunk)
                meter.at(done)
