"""Whether the configuration may have changed since it was read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from metaclaw_jlab.settings.configuration import ADMINISTRATOR_PATH, ADMINISTRATOR_VARIABLE, PREFIX

Signature: TypeAlias = tuple[object, ...]

# A file changed twice within a tick of the file system's clock looks the same: until this has passed it is read again.
_SETTLED_NS = 50_000_000


def signature(
    path: Path,
    *,
    environment: Mapping[str, str] | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> Signature | None:
    """What the configuration at `path` hangs on: equal means that it need not be read again, None that it has to be."""
    environment = os.environ if environment is None else environment
    named = environment.get(ADMINISTRATOR_VARIABLE)
    files = [path, ADMINISTRATOR_PATH, *([Path(named)] if named else [])]
    found: list[object] = [(name, environment[name]) for name in environment if name.startswith(PREFIX)]
    now = clock()
    for file in files:
        try:
            status = file.stat()
        except OSError:
            found.append(None)
            continue
        if abs(now - status.st_mtime_ns) < _SETTLED_NS:
            return None
        found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)
