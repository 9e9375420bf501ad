"""How fast the sidebar is over a home in which very much was done.

    python benchmarks/sidebar.py [--skills 10000] [--trajectories 50000] [--rounds 7] [--home FOLDER]

A real JupyterLab in a real Chromium, on a home that is made for it, or on a copy of one that is there. Every round is a
page of its own. Measured are the activation of the plugins, by what they leave in the browser's performance log; how
long a tab takes from the command that opens it to its rows on the screen; what happens while a list is scrolled to its
end: rows in the page, and the tasks of the page's main thread, as the browser's own trace tells them; how long it takes
from a write in the store, by another process, to the new text on the screen; and what the server needs for the
questions that the sidebar asks. Medians over the rounds. Writes build/bench/sidebar.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

UI_TESTS = Path(__file__).parent.parent / "ui-tests"
sys.path.insert(0, str(UI_TESTS))
from lab_session import Lab, running_browser, running_lab, running_page  # noqa: E402
from lived_in_home import fill, live  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402

from metaclaw_jlab.runtime.home import Home  # noqa: E402

OUTPUT = Path("build/bench/sidebar.json")
EXTENSION = "--ServerApp.jpserver_extensions={'metaclaw_jlab': True}"
LIMITS = {"activation_ms": 50.0, "open_ms": 300.0, "rows_in_page": 100, "task_ms": 50.0, "event_ms": 300.0}
# What is in the page when a tab is there, all of it.
SHOWN = {
    "now": (".mc-head-place", ".mc-trend tbody tr", ".mc-row"),
    "skills": (".mc-head-place", ".mc-tree-line"),
    "scores": (".mc-head-place", ".mc-scored"),
}
LISTS = {"skills": (".mc-tree", ".mc-tree-line"), "scores": ("#mc-panel", ".mc-scored-list > li")}
# Where the newest task is on the screen.
NEWEST = {"now": ".mc-row-text", "scores": ".mc-scored-text"}
# Questions of the sidebar; {task} and {skill} are known to the home.
QUESTIONS = (
    "health",
    "status",
    "scheduler",
    "settings",
    "trend",
    "training?recent=1",
    "tasks?limit=100",
    "tasks/facets",
    "tasks/{task}",
    "library/groups",
    "library/rows?limit=100",
    "library/rows?search=dates&limit=100",
    "skills/{skill}",
    "generations",
    "training/runs",
    "adapters",
)
ASKED = 7  # times each
QUIET_MS = 1500  # nothing of JupyterLab's own start is left by then
PATIENCE_MS = 60_000
TRACED = ("toplevel", "disabled-by-default-devtools.timeline")
TASKS = ("ThreadControllerImpl::RunTask", "RunTask")

ACTIVATIONS = """() => performance.getEntriesByType('measure')
    .filter(({name}) => name.startsWith('metaclaw-jlab:') && name.endsWith(':activate'))
    .map(({name, duration}) => [name.split(':')[1], duration])"""

# From a command to the frame after which all of some selectors are in the page.
OPEN = """([tab, selectors, patience]) => new Promise((resolve, reject) => {
    const begun = performance.now();
    const look = () => {
        if (selectors.every(one => document.querySelector('#metaclaw-sidebar ' + one))) {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => resolve(performance.now() - begun);
            channel.port2.postMessage(null);  // after the frame that draws them
        } else if (performance.now() - begun > patience) {
            reject(new Error(`${tab} shows no ` + selectors));
        } else {
            requestAnimationFrame(look);
        }
    };
    void window.jupyterapp.commands.execute('metaclaw:show-tab', {tab});
    requestAnimationFrame(look);
})"""

# Scroll to the end, a step a frame; a list that grows is waited for. Tells how many rows there were at most.
SCROLL = """([scroller, rows, step, seconds]) => new Promise(resolve => {
    const place = document.querySelector('#metaclaw-sidebar ' + scroller);
    const sidebar = document.querySelector('#metaclaw-sidebar');
    const tasks = [];
    const observer = new PerformanceObserver(list => tasks.push(...list.getEntries()));
    observer.observe({type: 'longtask'});
    const begun = performance.now();
    let [frames, most, still, last, worst] = [0, 0, 0, begun, 0];
    const move = now => {
        worst = Math.max(worst, now - last);
        last = now;
        frames += 1;
        const before = place.scrollTop;
        place.scrollTop = before + step;
        most = Math.max(most, sidebar.querySelectorAll(rows).length);
        still = place.scrollTop === before ? still + 1 : 0;
        if (still < 60 && now - begun < seconds * 1000) {
            requestAnimationFrame(move);
        } else {
            observer.disconnect();
            resolve({
                frames,
                seconds: (now - begun) / 1000,
                reached_end: still >= 60,
                pixels: place.scrollTop,
                rows_in_page: most,
                worst_frame_ms: worst,
                long_tasks_ms: tasks.map(({duration}) => duration),
            });
        }
    };
    requestAnimationFrame(move);
})"""

# When a text is first on the screen, in milliseconds since the epoch.
SEEN = """([selector, text, patience]) => {
    const begun = performance.now();
    window.seen = new Promise(resolve => {
        const look = () => {
            const found = [...document.querySelectorAll('#metaclaw-sidebar ' + selector)];
            if (found.some(one => one.textContent.includes(text))) {
                const channel = new MessageChannel();
                channel.port1.onmessage = () => resolve(performance.timeOrigin + performance.now());
                channel.port2.postMessage(null);
            } else if (performance.now() - begun > patience) {
                resolve(null);
            } else {
                requestAnimationFrame(look);
            }
        };
        look();
    });
}"""

# Records a task for every line that it reads, and tells when that was in the store.
WRITER = """
import sys, time, uuid
from pathlib import Path
from dataclasses import replace
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.trajectories import Trajectories

store = Trajectories(open_database(open_home(Path(sys.argv[1])).database))
(found,) = store.recent(1)
whole = store.get(found.id)
for line in sys.stdin:
    task = replace(whole.task, text=line.strip())
    store.record(replace(whole, id=uuid.uuid4().hex[:12], task=task, created_at=time.time()))
    print(time.time() * 1000, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured, and on how large a home."""

    skills: int
    trajectories: int
    rounds: int
    home: Path | None


def main() -> int:
    """Measure, write, and say whether the limits hold."""
    sizes = _arguments()
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as folder:
        _prepare(Path(scratch) / "home", Path(folder), sizes)
        with (
            running_lab(Path(scratch), Path(folder), EXTENSION) as lab,
            running_browser() as browser,
        ):
            cold = round(_opened(browser, lab, "now")[1], 1)  # nobody has asked this server before
            report = {
                "skills": sizes.skills,
                "trajectories": sizes.trajectories,
                "rounds": sizes.rounds,
                "first_opening_of_all_ms": cold,
                **_openings(browser, lab, sizes.rounds),
                "scrolling": {tab: _scrolling(browser, lab, tab, sizes.rounds) for tab in LISTS},
                "event": {tab: _events(browser, lab, tab, sizes.rounds) for tab in NEWEST},
                "answers_ms": _answers(lab),
                "limits": LIMITS,
            }
    missed = _missed(report)
    report["missed"] = missed
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    print("over the limit: " + "; ".join(missed) if missed else "all limits hold")
    return 1 if missed else 0


def _arguments() -> Sizes:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skills", type=int, default=10_000)
    parser.add_argument("--trajectories", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--home", type=Path, help="a home that is there; a copy of it is measured")
    found = parser.parse_args()
    return Sizes(found.skills, found.trajectories, found.rounds, found.home)


def _prepare(path: Path, notebooks: Path, sizes: Sizes) -> None:
    """The home, which trains nothing while it is measured."""
    if sizes.home is not None:
        shutil.copytree(sizes.home, path)
        home = Home(path)
    else:
        home = live(path, notebooks)
        fill(home, skills=sizes.skills, trajectories=sizes.trajectories)
    (home.path / "config.toml").write_text("[scheduler]\nenabled = false\n")


@contextmanager
def _page(browser: Browser, lab: Lab) -> Iterator[Page]:
    """A page of JupyterLab that has come to rest, in a workspace of its own; the sidebar is closed."""
    with running_page(browser) as page:
        page.goto(f"{lab.url}/lab/workspaces/{uuid.uuid4().hex}")
        page.wait_for_function("window.jupyterapp !== undefined", timeout=PATIENCE_MS)
        page.evaluate("async () => { await window.jupyterapp.restored; }")
        page.wait_for_timeout(QUIET_MS)
        yield page


def _show(page: Page, tab: str) -> float:
    """Open a tab; milliseconds until it is there."""
    return float(page.evaluate(OPEN, [tab, list(SHOWN[tab]), PATIENCE_MS]))


def _opened(browser: Browser, lab: Lab, tab: str) -> tuple[dict[str, float], float]:
    """The activations of a page's plugins, and how long its sidebar took to open, in milliseconds."""
    with _page(browser, lab) as page:
        activations = dict(page.evaluate(ACTIVATIONS))
        return activations, _show(page, tab)


def _openings(browser: Browser, lab: Lab, rounds: int) -> dict[str, object]:
    """Medians of the plugins' activation, and of opening the sidebar at each of its lists."""
    plugins: dict[str, list[float]] = defaultdict(list)
    sums: list[float] = []
    times: dict[str, list[float]] = {tab: [] for tab in SHOWN}
    for _ in range(rounds):
        for tab, found in times.items():
            activations, took = _opened(browser, lab, tab)
            found.append(took)
            sums.append(sum(activations.values()))
            for name, one in activations.items():
                plugins[name].append(one)
    return {
        "activation_ms": _summary(sums),
        "activation_by_plugin_ms": {
            name: round(statistics.median(found), 2) for name, found in sorted(plugins.items())
        },
        "open_ms": {tab: _summary(found) for tab, found in times.items()},
    }


def _scrolling(browser: Browser, lab: Lab, tab: str, rounds: int) -> dict[str, object]:
    """What scrolling a list to its end costs."""
    scroller, rows = LISTS[tab]
    found, tasks, cpu = [], [], []
    for _ in range(min(rounds, 3)):
        with _page(browser, lab) as page:
            _show(page, tab)
            if tab == "skills":  # a large library shows its groups only
                page.locator("#metaclaw-sidebar [role=tree]").press("*")
            page.wait_for_timeout(QUIET_MS)
            browser.start_tracing(page=page, categories=list(TRACED))
            # A screen and a half a frame: faster than any wheel.
            found.append(page.evaluate(SCROLL, [scroller, rows, 1200, 90]))
            walls, cpus = _longest(browser.stop_tracing())
            tasks.append(walls)
            cpu.append(cpus)
    return {
        "rows_in_page": max(one["rows_in_page"] for one in found),
        "reached_end": all(one["reached_end"] for one in found),
        "pixels": max(one["pixels"] for one in found),
        "frames": [one["frames"] for one in found],
        "worst_frame_ms": _summary([one["worst_frame_ms"] for one in found]),
        "longest_task_ms": _summary(tasks),
        "longest_task_cpu_ms": _summary(cpu),
        "long_tasks": [len(one["long_tasks_ms"]) for one in found],
        "long_tasks_ms": [round(one, 1) for each in found for one in each["long_tasks_ms"]],
    }


def _longest(trace: bytes) -> tuple[float, float]:
    """Milliseconds of the longest task of the page's main thread, by the clock and of its own; a machine with more to
    do makes the first longer."""
    events = json.loads(trace)["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [event for event in events if event["name"] in TASKS and (event["pid"], event["tid"]) in mains]
    walls = (event.get("dur", 0) for event in tasks)
    cpus = (event.get("tdur", 0) for event in tasks)
    return max(walls, default=0) / 1000, max(cpus, default=0) / 1000


def _events(browser: Browser, lab: Lab, tab: str, rounds: int) -> dict[str, object]:
    """From a task in the store to its text on the screen."""
    command = [sys.executable, "-c", WRITER, str(lab.home)]
    taken = []
    with (
        _page(browser, lab) as page,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer,
    ):
        assert writer.stdin is not None
        assert writer.stdout is not None
        _show(page, tab)
        for number in range(rounds + 1):
            page.wait_for_timeout(2500 + 37 * number)  # one is not in step with the server's looks
            text = f"Event {number} of {uuid.uuid4().hex[:6]}"
            page.evaluate(SEEN, [NEWEST[tab], text, PATIENCE_MS])
            print(text, file=writer.stdin, flush=True)
            written = float(writer.stdout.readline())
            seen = page.evaluate("window.seen")
            if seen is None:
                raise RuntimeError(f"{tab} does not show {text!r}")
            taken.append(seen - written)
        writer.stdin.close()
    return _summary(taken[1:])


def _answers(lab: Lab) -> dict[str, dict[str, float]]:
    """What the server needs for each question: the first time here, the median after it, and how much it answers."""
    known = {"task": "", "skill": ""}
    known["task"] = _asked(lab, "tasks?limit=1")[1]["tasks"][0]["id"]
    known["skill"] = _asked(lab, "library/rows?limit=1")[1]["rows"][0]["name"]
    report = {}
    for question in QUESTIONS:
        answers = [_asked(lab, question.format(**known)) for _ in range(ASKED)]
        times = [took for took, _, _ in answers]
        report[question] = {
            "first": round(times[0], 1),
            "median": round(statistics.median(times[1:]), 1),
            "kB": round(answers[-1][2] / 1000, 1),
        }
    return report


def _asked(lab: Lab, question: str) -> tuple[float, dict[str, list[dict[str, str]]], int]:
    begun = time.perf_counter()
    with urlopen(f"{lab.url}/metaclaw/api/{question}", timeout=60) as answer:
        body = answer.read()
    return (time.perf_counter() - begun) * 1000, json.loads(body), len(body)


def _summary(values: Sequence[float]) -> dict[str, float]:
    """Median and largest."""
    return {"median": round(statistics.median(values), 1), "most": round(max(values), 1)}


def _missed(report: dict[str, object]) -> list[str]:
    """The limits that do not hold, in words."""
    found = json.loads(json.dumps(report))
    held = [("activation", found["activation_ms"]["median"], LIMITS["activation_ms"])]
    held += [(f"opening {tab}", one["median"], LIMITS["open_ms"]) for tab, one in found["open_ms"].items()]
    held += [(f"an event in {tab}", one["median"], LIMITS["event_ms"]) for tab, one in found["event"].items()]
    for tab, one in found["scrolling"].items():
        held.append((f"rows of {tab}", one["rows_in_page"], LIMITS["rows_in_page"]))
        held.append((f"the longest task of {tab}", one["longest_task_ms"]["median"], LIMITS["task_ms"]))
    return [f"{name}: {value:g} of {limit:g}" for name, value, limit in held if value > limit]


if __name__ == "__main__":
    sys.exit(main())
