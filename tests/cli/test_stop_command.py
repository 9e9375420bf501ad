import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.policy_server import Endpoint, policy_file, publish

Metaclaw = Callable[..., Any]


def test_the_server_of_the_home_is_stopped(metaclaw: Metaclaw, home: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    made = open_home(home)
    publish(made, Endpoint("http://127.0.0.1:9/v1", "t", "m", process.pid))
    assert metaclaw("stop", "--json").json == {"stopped": True}
    assert process.wait(timeout=10) != 0
    assert not policy_file(made).exists()
    process.communicate()


def test_where_none_runs_that_is_said(metaclaw: Metaclaw) -> None:
    ran = metaclaw("stop")
    assert (ran.code, ran.out) == (0, "No policy server was running.\n")
