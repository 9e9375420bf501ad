"""JupyterLab and a browser for the tests: everything in folders of its own, nothing of the user's is touched."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.policy_server import stop

APPLICATIONS = {"jupyterlab": "LabApp", "notebook": "JupyterNotebookApp"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
IDLE = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
START_TIMEOUT = 60  # seconds


@dataclass(frozen=True, slots=True)
class Lab:
    """A running JupyterLab: its address, the folder that it shows, and the home of metaclaw in it."""

    url: str
    folder: Path
    home: Path

    def notebook_url(self, name: str) -> str:
        """A notebook in a workspace of its own: resetting one loads the page twice, and starts two kernels."""
        return f"{self.url}/lab/workspaces/{uuid.uuid4().hex}/tree/{name}"


@dataclass(frozen=True, slots=True)
class CodeCell:
    """A code cell as the front end holds it."""

    source: str
    execution_count: int | None
    mime_type: str
    outputs: list[dict[str, object]]

    @property
    def error(self) -> str | None:
        """The first error's message, in one line."""
        for output in self.outputs:
            if output["output_type"] == "error":
                return f"{output['ename']}: {output['evalue']}"
        return None

    @property
    def text(self) -> str:
        """All plain text that the cell shows."""
        parts = []
        for output in self.outputs:
            data = output.get("data", {})
            assert isinstance(data, dict)
            parts.append(_joined(output.get("text", data.get("text/plain", ""))))
        return "\n".join(parts)


def _joined(text: object) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_lab(
    scratch: Path, folder: Path, *options: str, port: int | None = None, application: str = "jupyterlab"
) -> Iterator[Lab]:
    """JupyterLab on ``folder``, with its settings, its kernels' history and metaclaw's home under ``scratch``.

    ``options`` are more of its command line; ``port`` is a free one where none is given; ``application`` may be
    ``notebook``, too.
    """
    port = free_port() if port is None else port
    lab = Lab(f"http://127.0.0.1:{port}", folder, scratch / "home")
    own = {
        "IPYTHONDIR": scratch / "ipython",
        "JUPYTER_CONFIG_DIR": scratch / "config",
        "JUPYTER_DATA_DIR": scratch / "data",
        "JUPYTER_RUNTIME_DIR": scratch / "runtime",
        "METACLAW_HOME": lab.home,
    }
    _decline_news(scratch / "config")
    log = scratch / "lab.log"
    command = [
        *(sys.executable, "-m", application, "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"),
        *("--IdentityProvider.token=", "--ServerApp.password="),
        f"--{APPLICATIONS[application]}.expose_app_in_browser=True",
        *options,
    ]
    with log.open("w") as sink:
        server = subprocess.Popen(
            command, stdout=sink, stderr=sink, env={**os.environ, **{k: str(v) for k, v in own.items()}}
        )
    try:
        _wait_until_up(lab, server, log)
        yield lab
    finally:
        server.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(1)
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
        if lab.home.exists():
            stop(open_home(lab.home))  # the policy server outlives the kernel that started it


def _decline_news(config: Path) -> None:
    """JupyterLab asks in a notification, which would lie over what a test looks at."""
    settings = config / "lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('{"checkForUpdates": false, "fetchNews": "false"}')


def _wait_until_up(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        with suppress(URLError, ConnectionError, TimeoutError), urlopen(f"{lab.url}/api", timeout=2):
            return
        if server.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-4000:]}")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise RuntimeError(f"No browser found: install one of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@contextmanager
def running_page(browser: Browser, width: int = 1280, height: int = 900) -> Iterator[Page]:
    """A page with cookies and storage of its own."""
    context = browser.new_context(viewport={"width": width, "height": height})
    yield context.new_page()
    context.close()


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    """Open a notebook and wait until its kernel is ready."""
    page.goto(lab.notebook_url(name))
    page.wait_for_selector(IDLE, timeout=START_TIMEOUT * 1000)
    page.evaluate(
        """async () => {
            await window.jupyterapp.restored;
            const context = window.jupyterapp.shell.currentWidget.sessionContext;
            await context.ready;
            await context.session.kernel.info;
        }"""
    )


def execute(page: Page, command: str, **arguments: object) -> None:
    """Run a command of JupyterLab without waiting for its end."""
    page.evaluate(
        "([id, args]) => { void window.jupyterapp.commands.execute(id, args); }", [command, arguments]
    )


def wait_until(page: Page, condition: Callable[[], bool], timeout: float = 20) -> None:
    """Look every 100 ms until ``condition`` holds; AssertionError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s in vain"
        page.wait_for_timeout(100)


def search_palette(page: Page, text: str) -> list[str]:
    """What the command palette offers for ``text``. It closes when the focus moves, as it does while a page settles."""
    labels = page.locator(".lm-CommandPalette-itemLabel")

    def offers() -> bool:
        field = page.locator(".lm-CommandPalette-input")
        if not field.is_visible():
            page.keyboard.press("Control+Shift+C")
        with suppress(PlaywrightTimeout):
            field.fill(text, timeout=1000)
            return labels.count() > 0 and labels.first.is_visible()
        return False

    wait_until(page, offers)
    return labels.all_inner_texts()


def run_all_cells(page: Page, timeout: float) -> None:
    """Run the notebook until its end or the first error that no tag expects; ``timeout`` in seconds."""
    page.evaluate(
        """() => {
            window.ranAllCells = false;
            void window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => {
                window.ranAllCells = true;
            });
        }"""
    )
    # The command ends with the first error; the cells behind one that was expected still run then.
    page.wait_for_function(
        """() => {
            const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells]
                .filter(cell => cell.type === 'code');
            const expected = cell => (cell.getMetadata('tags') ?? []).includes('raises-exception');
            const failed = cell => cell.outputs.toJSON().some(output => output.output_type === 'error');
            return window.ranAllCells && (cells.every(cell => cell.executionCount !== null)
                || cells.some(cell => failed(cell) && !expected(cell)));
        }""",
        timeout=timeout * 1000,
        polling=200,
    )


def code_cells(page: Page) -> list[CodeCell]:
    """The code cells of the notebook that is shown."""
    cells = page.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
            .filter(cell => cell.type === 'code')
            .map(cell => ({
                source: cell.sharedModel.getSource(),
                execution_count: cell.executionCount,
                mime_type: cell.mimeType,
                outputs: cell.outputs.toJSON(),
            }))"""
    )
    return [CodeCell(**cell) for cell in cells]


def set_theme(page: Page, name: str) -> None:
    """Change to ``JupyterLab Light`` or ``JupyterLab Dark`` and wait until it is there."""
    execute(page, "apputils:change-theme", theme=name)
    page.wait_for_selector(f'body[data-jp-theme-name="{name}"]', state="attached")
