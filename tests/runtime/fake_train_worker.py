"""A train worker without a model: tells what it is told to tell, then waits for the end of its standard input."""

import argparse
import json
import os
import signal
import sys

from metaclaw_jlab.executors.sandbox import SandboxPool


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tell", action="append", default=[])
    parser.add_argument("--complain", default="")
    parser.add_argument("--code", type=int)
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--sandbox", action="store_true")
    options = parser.parse_args()
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pool = SandboxPool(1, preload=()) if options.sandbox else None
    if pool is not None:
        pool.open().execute("1")
        options.tell.append(json.dumps({"event": "started", "pid": pool._rooms[0].result().process.pid}))
    sys.stdout.writelines(f"{line}\n" for line in options.tell)
    sys.stdout.flush()
    sys.stderr.write(options.complain)
    sys.stderr.flush()
    if options.code is not None:
        os._exit(options.code)
    while options.stubborn or sys.stdin.readline():
        pass


if __name__ == "__main__":
    main()
