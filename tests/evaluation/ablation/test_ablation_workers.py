"""Worker processes: what they are given, and what becomes of it where they die."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import AblationPlan
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.ablation.jobs import Job, JobKind, Message, MessageKind
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.evaluation.ablation.workers import LocalWorkers
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.processes import process_alive

# Tells each job to be done, in the order in which it comes. {first} is what it does at the first job.
WORKER = """
import json, os, pathlib, sys
mark = pathlib.Path({mark!r})
for line in sys.stdin:
    order = json.loads(line)
    if "stop" in order:
        continue
    job = order["job"]
    name = f"{{job['arm']}}-{{job['seed']}}"
    {first}
    text = str(os.getpid())
    print("no message", flush=True)
    print(json.dumps(dict(kind="done", job=name, attempt=None, text=text, next="")), flush=True)
"""
DIES_ONCE = "if not mark.exists(): mark.touch(); sys.exit(3)"
DIES = 'sys.stderr.write("out of memory\\n"); sys.exit(3)'
SILENT = 'if order.get("job"): continue'


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create_run(open_home(tmp_path / "home"), AblationPlan((preset("baseline"),), "x", "baseline"))


@contextmanager
def workers(run: RunFolder, parallel: int = 1, first: str = "") -> Iterator[LocalWorkers]:
    code = WORKER.format(mark=str(run.path / "mark"), first=first or "pass")
    with closing(LocalWorkers(run, parallel, command=[sys.executable, "-c", code])) as made:
        yield made


def chain(seed: int) -> Job:
    return Job(JobKind.CHAIN, "a", seed)


def told(made: LocalWorkers, number: int) -> list[Message]:
    found: list[Message] = []
    while len(found) < number:
        found += list(made.messages(60.0))
    return found


def test_every_job_is_done_in_order(run: RunFolder) -> None:
    with workers(run) as made:
        for seed in range(5):
            made.submit(chain(seed))
        found = told(made, 5)
    assert [(one.kind, one.job) for one in found] == [(MessageKind.DONE, f"a-{seed}") for seed in range(5)]


def test_there_are_no_more_processes_than_wanted(run: RunFolder) -> None:
    with workers(run, 2) as made:
        for seed in range(9):
            made.submit(chain(seed))
        found = told(made, 9)
    assert len({one.text for one in found}) == 2


def test_another_process_takes_over_from_one_that_died(run: RunFolder) -> None:
    with workers(run, first=DIES_ONCE) as made:
        made.submit(chain(1))
        made.submit(chain(2))
        found = told(made, 2)
    assert [one.job for one in found] == ["a-1", "a-2"]


def test_a_job_at_which_processes_die_twice_is_told_with_their_last_words(run: RunFolder) -> None:
    with workers(run, first=DIES) as made:
        made.submit(chain(1))
        with pytest.raises(AblationError, match=r"twice at job a-1, at last with code 3.*out of memory"):
            told(made, 1)


def test_what_waits_is_told_to_be_over_when_it_is_to_stop(run: RunFolder) -> None:
    with workers(run, first=SILENT) as made:
        for seed in range(3):
            made.submit(chain(seed))
        made.stop()
        found = told(made, 2)
    assert [(one.kind, one.job) for one in found] == [
        (MessageKind.STOPPED, "a-1"),
        (MessageKind.STOPPED, "a-2"),
    ]


def test_processes_end_with_their_starter(run: RunFolder) -> None:
    with workers(run, 2) as made:
        made.submit(chain(1))
        (done,) = told(made, 1)
    assert not process_alive(int(done.text))
