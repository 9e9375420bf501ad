"""What happens in the workspace before a round, and how a file says it."""

import json

import pytest

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import run_day
from metaclaw_jlab.evaluation.metaclaw_bench.loader import examine, load_benchmark
from metaclaw_jlab.evaluation.metaclaw_bench.updates import carry_out
from tests.evaluation.metaclaw_bench.small_bench import change_json

NOTES = b"one\ntwo\nthree\n"


@pytest.fixture
def given(folder):
    """A benchmark whose first round has these updates."""

    def write(*updates):
        change_json(
            folder / "eval/day01/questions.json", lambda day: day["rounds"][0].update(update=list(updates))
        )
        return folder

    (folder / "eval/day01/more.txt").write_bytes(b"more\n")
    return write


def only_update(folder):
    (update,) = load_benchmark(folder, ["day01"]).days[0].rounds[0].updates
    return update


@pytest.mark.parametrize(
    ("action", "more", "after"),
    [
        ("append", {"source": "more.txt"}, b"one\ntwo\nthree\nmore\n"),
        ("insert", {"source": "more.txt", "param": {"after": 1}}, b"one\nmore\ntwo\nthree\n"),
        ("insert", {"source": "more.txt"}, b"more\none\ntwo\nthree\n"),
        ("delete", {"param": {"lines": [2]}}, b"one\nthree\n"),
        ("delete", {"param": {"lines": ["1:"]}}, b"one\n"),
        ("delete", {"param": {"lines": [1, "2:3"]}}, b"two\n"),
    ],
)
def test_an_update_changes_lines_as_its_file_says(given, tmp_path, action, more, after):
    folder = given({"type": "workspace", "action": action, "path": "day01/notes.txt", **more})
    (tmp_path / "day01").mkdir()
    (tmp_path / "day01/notes.txt").write_bytes(NOTES)
    carry_out(only_update(folder), tmp_path)
    assert (tmp_path / "day01/notes.txt").read_bytes() == after


def test_a_new_file_is_made_with_its_folders(given, tmp_path):
    folder = given({"type": "workspace", "action": "new", "path": "day01/in/more.txt", "source": "more.txt"})
    carry_out(only_update(folder), tmp_path)
    assert (tmp_path / "day01/in/more.txt").read_bytes() == b"more\n"


def test_lines_of_a_file_that_is_not_there_need_no_deleting(given, tmp_path):
    folder = given({"type": "workspace", "action": "delete", "path": "gone.txt", "param": {"lines": [1]}})
    carry_out(only_update(folder), tmp_path)
    assert not (tmp_path / "gone.txt").exists()


def test_an_update_comes_before_its_round(given, scorer):
    folder = given({"type": "workspace", "action": "new", "path": "day01/more.txt", "source": "more.txt"})
    seen = []

    def look(_, workspace):
        seen.append((workspace / "day01/more.txt").exists())
        return ""

    day = load_benchmark(folder, ["day01"]).days[0]
    run_day(day, look, load_benchmark(folder).workspaces, scorer)
    assert seen[0] is True


def test_what_the_own_session_gets_was_said_meanwhile(given, folder, scorer):
    said = [{"role": "user", "content": "I was away."}, {"role": "assistant", "content": "I see."}]
    (folder / "eval/day01/day01.jsonl").write_text("\n".join(map(json.dumps, said)))
    given({"type": "session", "action": "append", "path": "day01.jsonl", "source": "day01.jsonl"})
    talks = []

    def listen(talk, _):
        talks.append(talk)
        return ""

    benchmark = load_benchmark(folder, ["day01"])
    run_day(benchmark.days[0], listen, benchmark.workspaces, scorer)
    assert talks[0][2:4] == (Message("user", "I was away."), Message("assistant", "I see."))


@pytest.mark.parametrize(
    ("update", "cause"),
    [
        ("x", "no object"),
        ({"type": "workspace", "action": "rename", "path": "a"}, "'rename'"),
        ({"type": "workspace", "action": "append", "path": "../a", "source": "more.txt"}, "outside"),
        ({"type": "workspace", "action": "append", "path": "a", "source": "../../all_tests.json"}, "outside"),
        ({"type": "workspace", "action": "append", "path": "a", "source": "none.txt"}, "cannot be read"),
        ({"type": "workspace", "action": "new", "path": "a.txt", "source": "more.txt"}, "of another name"),
        ({"type": "workspace", "action": "delete", "path": "a"}, "not which lines"),
        ({"type": "workspace", "action": "delete", "path": "a", "param": {"lines": ["x"]}}, "'x'"),
        (
            {"type": "workspace", "action": "insert", "path": "a", "source": "more.txt", "param": -1},
            "after line -1",
        ),
        ({"type": "mood", "action": "append", "path": "a", "source": "more.txt"}, "'mood'"),
        (
            {"type": "session", "action": "append", "path": "other.jsonl", "source": "more.txt"},
            "not carried out",
        ),
    ],
)
def test_an_update_that_cannot_be_carried_out_is_a_fault(given, update, cause):
    _, faults = examine(given(update), ["day01"])
    assert [fault.round for fault in faults if cause in fault.cause] == ["r1"]
