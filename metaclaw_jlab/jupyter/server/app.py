"""The Jupyter server extension, which also runs by itself: `jupyter metaclaw`."""

from __future__ import annotations

import asyncio
import ipaddress
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Unicode, default

from metaclaw_jlab.jupyter.server.events import ScheduleEvents, follow, register
from metaclaw_jlab.jupyter.server.host import Host
from metaclaw_jlab.jupyter.server.routes import api_handlers

THREADS = 6  # that wait for the store; a start or a stop of a training keeps one for a while
WILDCARDS = frozenset({"", "*", "0.0.0.0", "::"})


class MetaclawApp(ExtensionApp):
    """Knows when nobody works and has the policy trained then; serves the sidebar, kernels and other agents."""

    name = "metaclaw"
    app_name = "MetaClaw"
    description = """MetaClaw without JupyterLab: trains while nobody works, and serves other agents at /metaclaw/v1.

    It listens on this machine only, unless --ip says otherwise. The home is $METACLAW_HOME, or the user's own."""
    load_other_extensions = False
    extension_url = "/metaclaw/api/health"

    home = Unicode("", help="The home folder; $METACLAW_HOME, or the user's data folder, where empty.").tag(
        config=True
    )

    @default("open_browser")
    def _default_open_browser(self) -> bool:
        return False

    def initialize_settings(self) -> None:
        """Make the host; it starts when the server listens."""
        from pathlib import Path

        server = self._server
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="metaclaw-api")
        self._emit = register(server.event_logger)
        self._following: asyncio.Task[None] | None = None
        self.host = Host(
            url_of(server),
            kernels=server.kernel_manager,
            home=Path(self.home).expanduser() if self.home else None,
            root=str(getattr(server.contents_manager, "root_dir", "")),
            log=self.log,
            on_change=ScheduleEvents(self._emit).changed,
        )
        self.settings["metaclaw_host"] = self.host

    def initialize_handlers(self) -> None:
        """The REST interface, and the proxy."""
        from metaclaw_jlab.jupyter.server.proxy.handlers import get_handlers

        self.handlers.extend(get_handlers(self.host))
        self.handlers.extend(api_handlers(self._pool))

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Called once the server listens: its port is known now."""
        self.host.url = url_of(serverapp)
        if not is_loopback(serverapp):
            self.log.warning(
                "metaclaw: this server listens on %s, so that other machines reach it. Whoever has its token can start "
                "kernels, and without HTTPS (--certfile) tokens and keys travel in the clear.",
                serverapp.ip or "all addresses",
            )
        await self.host.start()
        if not self.host.active:
            self.log.info("metaclaw: this server serves reads only. %s", self.host.standing().sentence)
        self._following = asyncio.create_task(
            follow(self.host, self._emit, self._pool, self.log), name="metaclaw-events"
        )

    async def stop_extension(self) -> None:
        """Called when the server ends."""
        from metaclaw_jlab.jupyter.server.proxy.handlers import close_proxy

        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        # What the proxy still records goes into the home, so that it ends first.
        await close_proxy(self.host)
        await self.host.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def _server(self) -> ServerApp:
        assert self.serverapp is not None
        return self.serverapp


def url_of(server: Any) -> str:
    """Where processes of this machine reach the server, with its base URL and a slash at the end; "" where it listens
    on a socket of the file system."""
    if server.sock:
        return ""
    scheme = "https" if server.certfile else "http"
    ip = server.ip
    if ip in WILDCARDS or ip == "localhost":
        ip = "::1" if ip == "::" else "127.0.0.1"
    return f"{scheme}://{f'[{ip}]' if ':' in ip else ip}:{server.port}{server.base_url}"


def is_loopback(server: Any) -> bool:
    """Whether only this machine reaches the server."""
    if server.sock or server.ip == "localhost":
        return True
    try:
        return ipaddress.ip_address(server.ip).is_loopback
    except ValueError:
        return False


def main() -> None:
    """`jupyter metaclaw`."""
    MetaclawApp.launch_instance()  # type: ignore[no-untyped-call]
