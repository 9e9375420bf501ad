"""Objects that a sandbox starts from."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.executors.sandbox import Sandbox


def test_objects_are_there_under_their_names(sandbox: Sandbox) -> None:
    sandbox.load({"rows": pickle.dumps([1, 2]), "total": pickle.dumps(3)})
    assert sandbox.execute("sum(rows) == total").result == "True"


def test_cells_are_entries_of_in_and_out(sandbox: Sandbox) -> None:
    sandbox.load({"Out[3]": pickle.dumps(7), "In[2]": pickle.dumps("x = 1"), "Out[1]": pickle.dumps(5)})
    assert sandbox.execute("(Out[3], Out[1], _3, In[2], len(In))").result == "(7, 5, 7, 'x = 1', 3)"


def test_nothing_else_shows_that_there_were_objects(sandbox: Sandbox) -> None:
    sandbox.execute("'a value'")
    before = sandbox.execute("sorted(vars())").result
    sandbox.load({"rows": pickle.dumps([1])})
    seen = sandbox.execute("import os\nprint(os.listdir('.'))\ndel rows, os\nsorted(vars())")
    assert (seen.stdout, seen.result) == ("[]\n", before)


def test_loading_is_no_step(sandbox: Sandbox) -> None:
    sandbox.load({"rows": pickle.dumps([1])})
    error = sandbox.execute("1 / 0").error
    assert error is not None
    assert "<cell 1>" in error.traceback


def test_a_check_sees_them(sandbox: Sandbox) -> None:
    sandbox.load({"rows": pickle.dumps([1])})
    assert sandbox.evaluate(Check(CheckKind.EXPRESSION, "rows == [1]")).passed


class Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return subprocess.check_output, (["sh", "-c", "echo loaded >loaded.txt; false"],)


def test_they_are_unpickled_in_the_sandbox_alone(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExecutorError, match="could not be loaded in the sandbox: bad"):
        sandbox.load({"bad": pickle.dumps(Harmful())})
    assert sandbox.files() == {"loaded.txt": b"loaded\n"}
    assert not list(tmp_path.iterdir())


def test_they_are_there_again_after_the_code_has_ended_its_process(sandbox: Sandbox) -> None:
    sandbox.load({"rows": pickle.dumps([1, 2])})
    sandbox.execute("mine = rows[:]\nimport os\nos._exit(3)")
    assert sandbox.execute("(rows, 'mine' in vars())").result == "([1, 2], False)"


def test_a_large_object_is_loaded(sandbox: Sandbox) -> None:
    sandbox.load({"data": pickle.dumps(bytes(80 << 20))})
    assert sandbox.execute("len(data)").result == str(80 << 20)
