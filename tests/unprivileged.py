"""A folder whose modes count: root may write everywhere, so that a test of modes runs as somebody else."""

import codecs
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metaclaw_jlab.store.migrations import latest

NOBODY = 65534


@contextmanager
def folder_of_nobody() -> Iterator[Path]:
    """A new folder of an unprivileged user, as whom the process runs meanwhile where it is root's."""
    # What is imported and read for these may lie where that user cannot look.
    latest()
    codecs.lookup("ascii")
    folder = Path(tempfile.mkdtemp(prefix="metaclaw-"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for inner in [folder, *folder.rglob("*")]:
            if inner.is_dir():
                inner.chmod(0o700)
        shutil.rmtree(folder)
