import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from metaclaw_jlab.learning.signals.process_tree import children, computed, computed_since, tree

PARENT = """
import subprocess, sys
pipe = subprocess.PIPE
child = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=pipe, stdout=pipe)
child.stdout.readline()
print(child.pid, flush=True)
input()
child.communicate()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """The pids of a process and of its child."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    yield process.pid, int(process.stdout.readline())
    process.communicate("\n")


def test_a_tree_holds_children_of_children(family: tuple[int, int]) -> None:
    assert {os.getpid(), *family} <= tree([os.getpid()])


def test_what_is_left_out_takes_its_children_with_it(family: tuple[int, int]) -> None:
    assert not set(family) & tree([os.getpid()], {family[0]})


def test_a_process_that_is_gone_has_no_children() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert children(process.pid) == []


def test_computing_is_seen() -> None:
    before = computed([os.getpid()])
    while sum(computed([os.getpid()]).values()) <= sum(before.values()):
        sum(range(100_000))
    assert computed_since(before, computed([os.getpid()])) > 0


def test_processes_that_are_gone_are_left_out() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert computed([process.pid]) == {}


def test_a_pid_that_repeats_is_another_process() -> None:
    assert computed_since({(7, 1): 50.0}, {(7, 2): 3.0}) == 3.0
