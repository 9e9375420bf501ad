"""A policy server without a model.

`--home PATH --model NAME [--fail TEXT] [--refuse TEXT] [--form FORM] [--slow] [--stubborn] [--starts FILE]
[--busy FILE]`
"""

import argparse
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.policy_server import Endpoint, publish, withdraw
from metaclaw_jlab.runtime.server_refusal import leave_refusal

TOKEN = "s3cret"


class Handler(BaseHTTPRequestHandler):
    busy: Path | None = None  # a file that is there while somebody is answered

    def do_GET(self) -> None:
        known = self.path == "/health" and self.headers["Authorization"] == f"Bearer {TOKEN}"
        body = b'{"running": 1}' if self.busy is not None and self.busy.exists() else b""
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--fail")
    parser.add_argument("--refuse")
    parser.add_argument("--form", default="safetensors")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--starts", type=Path)
    parser.add_argument("--busy", type=Path)
    options = parser.parse_args()
    Handler.busy = options.busy
    sys.stderr.write(f"loading {options.model}\n")
    sys.stderr.flush()
    if options.starts:
        with options.starts.open("a") as file:
            file.write(f"{os.getpid()}\n")
    if options.fail:
        sys.exit(options.fail)
    if options.refuse:
        leave_refusal(Home(options.home), ModelUnusable(options.refuse, "Take another."))
        sys.exit(1)
    if options.slow:
        threading.Event().wait()
    home = Home(options.home)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: (withdraw(home, os.getpid()), os._exit(0)))
    address = f"http://127.0.0.1:{server.server_port}/v1"
    publish(home, Endpoint(address, TOKEN, options.model, os.getpid(), options.form))
    server.serve_forever()


if __name__ == "__main__":
    main()
