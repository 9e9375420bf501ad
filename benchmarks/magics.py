"""What the magics cost by themselves: `%load_ext`, a `%%metaclaw` cell beside its policy and its code, and every
other cell of the user."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LOADS = 15
CELLS = 200
AROUND = 2000
CODE = "x = 1"
USERS_CELL = "\n".join(f"column_{line} = frame['c{line}'].mean() + {line}" for line in range(40))
PROPOSED = "\n".join(f"total_{line} = table.sum('c{line}') * {{number}}" for line in range(40))

LOAD = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
sys.path.insert(0, sys.argv[1])
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "empty_first")
started = time.perf_counter()
shell.run_line_magic("load_ext", sys.argv[2])
print((time.perf_counter() - started) * 1000)
"""


def main() -> None:
    """Measure, print and write build/bench/magics.json."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            METACLAW_HOME=f"{folder}/home", IPYTHONDIR=f"{folder}/ipython", HOME=folder, TQDM_DISABLE="1"
        )
        report = {
            "load_ext_ms": load_times(Path(folder)),
            "cell_ms": cell_times(),
            "users_cell_us": users_cell_times(),
        }
    target = Path("build/bench/magics.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def load_times(folder: Path) -> dict[str, float]:
    """Medians over fresh processes, ours and an empty extension in turn."""
    for name in ("empty_first", "empty_extension"):
        (folder / f"{name}.py").write_text("def load_ipython_extension(shell): pass\n")
    times: dict[str, list[float]] = {"empty_extension": [], "metaclaw_jlab": []}
    for _ in range(LOADS):
        for name, measured in times.items():
            done = subprocess.run(
                [sys.executable, "-c", LOAD, str(folder), name], capture_output=True, text=True, check=True
            )
            measured.append(float(done.stdout.splitlines()[-1]))
    empty, ours = (statistics.median(times[name]) for name in times)
    return {"empty": empty, "metaclaw_jlab": ours, "more": ours - empty, "limit": 150.0}


def cell_times() -> dict[str, float]:
    """What is left of a cell's time without the policy's and the code's, against running the code alone."""
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics
    from metaclaw_jlab.policies.scripted import ScriptedPolicy

    shell = InteractiveShell.instance()
    shell.history_manager.end_session()
    shell.history_manager.enabled = False
    shell.run_line_magic("load_ext", "metaclaw_jlab")
    session = shell.magics_manager.registry[MetaclawMagics.__name__].session
    policy = ScriptedPolicy([f"```python\n{CODE}\n```\nDone."] * (CELLS + 1))
    session.workspace().policy = lambda _=None, **_named: policy
    alone = [timed(lambda: shell.run_cell(CODE)) for _ in range(CELLS)]
    with open(os.devnull, "w") as nowhere:
        stdout, sys.stdout = sys.stdout, nowhere
        try:
            shell.run_cell("%%metaclaw --mode auto\nSet x to 1")
            cells = [
                timed(lambda: shell.run_cell("%%metaclaw --mode auto\nSet x to 1")) for _ in range(CELLS)
            ]
        finally:
            sys.stdout = stdout
    code = statistics.median(alone)
    own = sorted(cell - code for cell in cells)
    return {
        "own_p50": statistics.median(own),
        "own_p99": own[int(0.99 * len(own))],
        "code_alone_p50": code,
        "ratio_to_code_alone": statistics.median(cells) / code,
        "limit_p50": 10.0,
        "limit_p99": 25.0,
    }


def users_cell_times() -> dict[str, float]:
    """Medians of what a cell that is no proposal waits for before and after it, in microseconds."""
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics
    from metaclaw_jlab.jupyter.kernel.proposed_cell import Mark

    shell = InteractiveShell.instance()
    session = shell.magics_manager.registry[MetaclawMagics.__name__].session
    info = ExecutionInfo(USERS_CELL, True, False, True, "id")
    result = ExecutionResult(info)

    def around() -> None:
        session.before_cell(info)
        session.after_cell(result)

    def median() -> float:
        return statistics.median(timed(around) for _ in range(AROUND)) * 1000

    report = {"nothing_waits": median()}
    for number in range(3):
        session.linking.proposals.add(Mark(f"{number:012x}"), PROPOSED.format(number=number))
    report["three_proposals_wait"] = median()
    for number in range(3):
        session.linking.proposals.settle(Mark(f"{number:012x}"))
    return {**report, "limit_nothing_waits": 5.0, "limit_three_proposals_wait": 1000.0}


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
