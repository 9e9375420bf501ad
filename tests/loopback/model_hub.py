"""A hub and a package index on loopback: files of a repository with ranges, redirects, refusals; wheels by name."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


class ModelHub:
    """`files` by `repository/name`, `wheels` by file name; `requests`: path, range and authorization as they came.

    `cuts`: after how many bytes an answer that carries a file breaks off, each once.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.wheels: dict[str, bytes] = {}
        self.cuts: list[int] = []
        self.ranges = True
        self.token = ""
        self.refuse: tuple[int, str] | None = None
        self.redirect_to = ""
        self.claimed_sha256 = ""
        self.requests: list[tuple[str, str, str]] = []
        self.on_request: list[Any] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop answering."""
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add_wheel(self, distribution: str, version: str, members: dict[str, bytes]) -> None:
        """A wheel that carries these members."""
        self.wheels[f"{distribution.replace('-', '_')}-{version}-py3-none-any.whl"] = wheel(
            distribution, version, members
        )


class _Handler(BaseHTTPRequestHandler):
    hub: ModelHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        asked = self.headers.get("Range", "")
        self.hub.requests.append((path, asked, self.headers.get("Authorization", "")))
        for hook in self.hub.on_request:
            hook()
        if path.startswith("/simple/"):
            self._index(path)
        elif path.startswith("/wheels/"):
            self._bytes(self.hub.wheels.get(path.removeprefix("/wheels/")), "")
        elif path.startswith("/stored/"):
            self._bytes(self.hub.files.get(path.removeprefix("/stored/")), asked)
        elif self.hub.refuse is not None:
            self._refuse(*self.hub.refuse)
        elif self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._refuse(401, "GatedRepo")
        elif path.startswith("/api/models/"):
            self._listing(path)
        else:
            self._file(path, asked)

    def _file(self, path: str, asked: str) -> None:
        repository, _, rest = path.lstrip("/").partition("/resolve/")
        name = f"{repository}/{rest.partition('/')[2]}"
        if self.hub.redirect_to and name in self.hub.files:
            self.send_response(302)
            self.send_header("Location", f"{self.hub.redirect_to}/stored/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._bytes(self.hub.files.get(name), asked)

    def _bytes(self, data: bytes | None, asked: str) -> None:
        if data is None:
            self._refuse(404, "EntryNotFound")
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.hub.ranges else 0
        if start >= len(data) > 0 and start:
            self._refuse(416, "")
            return
        rest = data[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        cut = self.hub.cuts.pop(0) if self.hub.cuts else len(rest)
        self.wfile.write(rest[:cut])
        self.close_connection = cut < len(rest)

    def _listing(self, path: str) -> None:
        repository = path.removeprefix("/api/models/").partition("/revision/")[0]
        siblings = [
            {
                "rfilename": name.removeprefix(f"{repository}/"),
                "size": len(data),
                "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
                **({"lfs": self._large(data)} if name.endswith((".gguf", ".safetensors")) else {}),
            }
            for name, data in self.hub.files.items()
            if name.startswith(f"{repository}/")
        ]
        if not siblings:
            self._refuse(401, "RepoNotFound")
            return
        told = {"sha": "c0ffee", "siblings": siblings, "cardData": {"license": "mit"}}
        self._json(json.dumps(told).encode(), "application/json")

    def _large(self, data: bytes) -> dict[str, object]:
        return {
            "sha256": self.hub.claimed_sha256 or hashlib.sha256(data).hexdigest(),
            "size": len(data),
        }

    def _index(self, path: str) -> None:
        stem = path.removeprefix("/simple/").strip("/").replace("-", "_")
        links = "".join(
            f'<a href="/wheels/{name}">{name}</a>' for name in self.hub.wheels if name.startswith(f"{stem}-")
        )
        if not links:
            self._refuse(404, "")
            return
        self._json(f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html")

    def _json(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def wheel(distribution: str, version: str, members: dict[str, bytes]) -> bytes:
    """The bytes of a wheel that pip downloads."""
    stem = distribution.replace("-", "_")
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        info = f"{stem}-{version}.dist-info"
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return kept.getvalue()
