"""Conducts no training: `--home PATH WORD...`; `fail` and `brief` end it at once, `stubborn` ignores SIGTERM."""

import signal
import sys
import threading
from pathlib import Path

from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.runtime.training_process import ATTACHED, LEASE, stop_with_starter


def main() -> None:
    home, words = Home(Path(sys.argv[2])), sys.argv[3:]
    sys.stderr.write(f"told: {' '.join(words)}\n")
    if "fail" in words:
        sys.exit("metaclaw: Nothing waits to be trained on. Give tasks with --check.")
    if "brief" in words:
        return
    ended = threading.Event()
    signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in words else lambda *_: ended.set())
    if ATTACHED in words:
        stop_with_starter()
    with lease(home, LEASE):
        while not ended.wait(0.02):
            pass


if __name__ == "__main__":
    main()
