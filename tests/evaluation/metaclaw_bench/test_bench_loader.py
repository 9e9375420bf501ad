import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.errors import BenchmarkInvalid, UsageMistake
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.evaluation.metaclaw_bench.format import FileCheck, MultiChoice
from metaclaw_jlab.evaluation.metaclaw_bench.loader import examine, load_benchmark
from tests.evaluation.metaclaw_bench.small_bench import change_json, choice, write_bench, write_json


def test_the_public_days_load_as_they_are(public):
    rounds = [round_ for day in public.days for round_ in day.rounds]
    assert len(public.days) == 20
    assert sum(isinstance(one, FileCheck) for one in rounds) == 145
    assert sum(isinstance(one, MultiChoice) for one in rounds) == 84
    assert {len(day.opening) for day in public.days} == {2}
    assert len(public.checkers) == 5


def test_days_come_in_the_order_of_the_benchmark(folder):
    assert [day.id for day in load_benchmark(folder, ["day02", "day01"]).days] == ["day01", "day02"]


def test_a_day_that_is_not_there_is_named_with_those_that_are(folder):
    with pytest.raises(UsageMistake, match=r"day09.*day01, day02"):
        load_benchmark(folder, ["day09"])


def test_a_folder_without_the_index_is_refused(tmp_path):
    with pytest.raises(UsageMistake, match="all_tests"):
        load_benchmark(tmp_path)


def test_an_answer_may_be_a_text(folder):
    change_json(
        folder / "eval/day01/questions.json", lambda day: day["rounds"][1]["eval"].update(answer="A, C")
    )
    round_ = load_benchmark(folder).days[0].rounds[1]
    assert isinstance(round_, MultiChoice)
    assert round_.answer == {"A", "C"}


# ---------------------------------------------------------------- the original layout


def openclaw_session(*messages: tuple[str, str]) -> str:
    lines: list[dict[str, Any]] = [
        {"type": "session", "version": 3, "id": "s", "cwd": "/somewhere"},
        {"type": "model_change", "id": "m", "parentId": None, "provider": "p", "modelId": "m"},
        {"type": "thinking_level_change", "id": "t", "parentId": "m", "thinkingLevel": "low"},
        {"type": "custom", "customType": "model-snapshot", "data": {}, "id": "c", "parentId": "t"},
    ]
    for role, text in messages:
        message = {"role": role, "content": [{"type": "text", "text": text}]}
        lines.append({"type": "message", "id": text, "message": message})
    return "\n".join(map(json.dumps, lines)) + "\n"


@pytest.mark.parametrize("root", ["", "data/bench/", "${METACLAW_ROOT}/data/bench/"])
def test_the_original_layout_gives_the_same_days(folder, tmp_path, root):
    original = write_bench(tmp_path / "repository" / "data" / "bench")

    def as_original(tests: dict[str, Any]) -> None:
        tests["openclaw_state_dir"] = f"{root}state"
        del tests["sessions_dir"]
        for name in ("eval_dir", "workspace_src"):
            tests[name] = root + tests[name]
        for test in tests["test"]:
            test["session"] = f"{test['id']}_5f0c"

    change_json(original / "all_tests.json", as_original)
    sessions = original / "state" / "agents" / "tester" / "sessions"
    sessions.mkdir(parents=True)
    for day in ("day01", "day02"):
        (original / "sessions" / f"{day}.jsonl").unlink()
        said = openclaw_session(("user", f"It is {day}."), ("assistant", "So it is."))
        (sessions / f"{day}_5f0c.jsonl").write_text(said, encoding="utf-8")
    assert load_benchmark(original).days == load_benchmark(folder).days


def test_questions_may_be_a_list_of_one_group(folder):
    path = folder / "eval/day01/questions.json"
    days = load_benchmark(folder).days
    write_json(path, [json.loads(path.read_text())])
    assert load_benchmark(folder).days == days


def test_several_groups_share_a_day(folder):
    path = folder / "eval/day01/questions.json"
    first, second = json.loads(path.read_text()), {"id": "evening", "desc": "", "rounds": [choice("r1")]}
    write_json(path, [first, second])
    (day,) = load_benchmark(folder, ["day01"]).days
    assert day.groups == ("day01", "evening")
    assert [round_.id for round_ in day.rounds] == ["day01/r1", "day01/r2", "day01/r3", "evening/r1"]


def test_two_groups_of_one_name_are_a_fault(folder):
    path = folder / "eval/day01/questions.json"
    group = json.loads(path.read_text())
    write_json(path, [group, group])
    _, faults = examine(folder)
    assert any("Two groups" in fault.cause for fault in faults)


def test_an_answer_is_every_letter_of_its_texts(folder):
    change_json(
        folder / "eval/day01/questions.json", lambda day: day["rounds"][1]["eval"].update(answer=["ac"])
    )
    round_ = load_benchmark(folder).days[0].rounds[1]
    assert isinstance(round_, MultiChoice)
    assert round_.answer == {"A", "C"}


def test_an_opening_of_text_parts_is_joined(folder):
    (folder / "sessions/day01.jsonl").write_text(openclaw_session(("user", "It is Monday.")))
    assert load_benchmark(folder).days[0].opening == (Message("user", "It is Monday."),)


# ---------------------------------------------------------------- faults


def questions(change: Callable[[list[Any]], object]) -> Callable[[Path], None]:
    return lambda root: change_json(root / "eval/day01/questions.json", lambda day: change(day["rounds"]))


def index(change: Callable[[Any], object]) -> Callable[[Path], None]:
    return lambda root: change_json(root / "all_tests.json", change)


def session(text: str) -> Callable[[Path], None]:
    return lambda root: (root / "sessions/day01.jsonl").write_text(text) and None


FAULTS = {
    "no type": (questions(lambda rounds: rounds[0].pop("type")), "r1", "`type` is missing"),
    "unknown type": (questions(lambda rounds: rounds[0].update(type="essay")), "r1", "'essay'"),
    "no command": (
        questions(lambda rounds: rounds[0]["eval"].pop("command")),
        "r1",
        "`eval.command` is missing",
    ),
    "exit as text": (
        questions(lambda rounds: rounds[0]["eval"].update(expect_exit="0")),
        "r1",
        "expect_exit",
    ),
    "too long": (questions(lambda rounds: rounds[0]["eval"].update(timeout=90)), "r1", "30 s at most"),
    "bad pattern": (
        questions(lambda rounds: rounds[0]["eval"].update(expect_stdout="(", expect_stdout_regex=True)),
        "r1",
        "no pattern",
    ),
    "no feedback": (questions(lambda rounds: rounds[0].pop("feedback")), "r1", "`feedback` is missing"),
    "empty feedback": (
        questions(lambda rounds: rounds[0]["feedback"].update(incorrect=" ")),
        "r1",
        "is empty",
    ),
    "unknown answer": (questions(lambda rounds: rounds[1]["eval"].update(answer=["A", "F"])), "r2", "'F'"),
    "no answer": (questions(lambda rounds: rounds[1]["eval"].update(answer=[])), "r2", "`eval.answer` is []"),
    "lower case": (questions(lambda rounds: rounds[1]["eval"]["options"].update(e="x")), "r2", "option 'e'"),
    "no line": (questions(lambda rounds: rounds[1]["feedback"]["options"].pop("B")), "r2", "option B"),
    "update of nothing": (
        questions(lambda rounds: rounds[1].update(update=[{"type": "workspace", "action": "delete"}])),
        "r2",
        "`update 1.path` is missing",
    ),
    "same id": (questions(lambda rounds: rounds.append(choice())), "r2", "the same `id`"),
    "no rounds": (questions(lambda rounds: rounds.clear()), "", "`rounds` is empty"),
    "round is text": (questions(lambda rounds: rounds.append("r4")), "round 4", "no object"),
    "bad json": (lambda root: (root / "eval/day01/questions.json").write_text("{") and None, "", "no JSON"),
    "no questions": (lambda root: (root / "eval/day01/questions.json").unlink(), "", "cannot be read"),
    "no session": (lambda root: (root / "sessions/day01.jsonl").unlink(), "", "cannot be read"),
    "empty session": (session("\n"), "", "no message"),
    "broken session": (session("{"), "", "Line 1 is no JSON"),
    "agent first": (session('{"role": "assistant", "content": "Hi"}'), "", "not the user's"),
    "other role": (session('{"role": "tool", "content": "Hi"}'), "", "role 'tool'"),
    "a call": (session('{"role": "user", "content": [{"type": "toolCall"}]}'), "", "not text alone"),
    "no session id": (index(lambda tests: tests["test"][0].pop("session")), "", "`session` is missing"),
    "day twice": (index(lambda tests: tests["test"].append(dict(tests["test"][0]))), "", "listed twice"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_place_and_what_to_do(folder, name):
    spoil, round_, cause = FAULTS[name]
    spoil(folder)
    _, faults = examine(folder)
    (fault,) = [fault for fault in faults if cause in fault.cause]
    assert (fault.day, fault.round) == ("day01", round_)
    assert (folder / fault.file).suffix in (".json", ".jsonl")
    assert fault.next_step
    with pytest.raises(BenchmarkInvalid) as refused:
        load_benchmark(folder)
    assert str(fault) in str(refused.value)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda tests: tests.pop("workspace_src"), "`workspace_src` is missing"),
        (lambda tests: tests.update(eval_dir="elsewhere"), "no such folder"),
        (lambda tests: tests.update(test=[]), "lists no day"),
        (lambda tests: tests["test"][0].update(id="../day01"), "no usable `id`"),
    ],
)
def test_a_fault_of_the_index_belongs_to_no_day(folder, change, cause):
    change_json(folder / "all_tests.json", change)
    _, faults = examine(folder)
    assert [fault.file for fault in faults if cause in fault.cause and not fault.day] == ["all_tests.json"]


def test_every_fault_is_in_one_report(folder):
    FAULTS["no type"][0](folder)
    FAULTS["unknown answer"][0](folder)
    FAULTS["other role"][0](folder)
    with pytest.raises(BenchmarkInvalid, match="4 faults"):  # the session is left without a message too
        load_benchmark(folder)


def test_faults_of_other_days_do_not_matter(folder):
    FAULTS["no type"][0](folder)
    assert [day.id for day in load_benchmark(folder, ["day02"]).days] == ["day02"]


def test_a_checker_among_the_starting_files_is_a_fault(folder):
    copied = folder / "workspaces/shared/day01/tool.py"
    copied.write_bytes((folder / "eval/scripts/check_word.py").read_bytes())
    _, faults = examine(folder)
    assert [(fault.file, fault.day) for fault in faults] == [("workspaces/shared/day01/tool.py", "day01")]


def test_missing_checkers_are_a_fault(folder):
    (folder / "eval/scripts/check_word.py").unlink()
    _, faults = examine(folder)
    assert [fault.file for fault in faults] == ["eval/scripts"]
