"""`metaclaw demo-local`: what it measures and writes, and how it goes on after it was killed or interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.policies.model_request import MANIFEST
from metaclaw_jlab.practice import splits_sha256
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.policy_server import stop
from tests.evaluation.obeying_server import known_tasks

ROOT = Path(__file__).parents[2]
MODEL = "smollm2-135m"
SEED, TASKS, STREAM = 1, 4, 8
SECONDS = 300.0
Metaclaw = Callable[..., Any]


@dataclass
class Demo:
    """A home with a stand-in for the model, and where the report goes."""

    home: Path
    output: Path
    asked: Path

    def run(self, *arguments: object, server: tuple[object, ...] = ()) -> subprocess.CompletedProcess[str]:
        """The command in a process of its own."""
        own = ["--seed", SEED, "--tasks", TASKS, "--stream", STREAM, "--asked", self.asked, *server]
        of_command = ["--model", MODEL, "--n", TASKS, "--stream", STREAM, "--output", self.output, *arguments]
        command = [sys.executable, "-m", "tests.cli.demo_local_process", *own, "--", *of_command]
        settings = {
            "METACLAW_HOME": str(self.home),
            "METACLAW_EVOLVER_KIND": "distiller",
            "METACLAW_SANDBOX_UNATTENDED": "true",
        }
        return subprocess.run(
            [str(word) for word in command],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def report(self) -> dict[str, Any]:
        """What was written."""
        found = json.loads(self.output.read_text())
        assert isinstance(found, dict)
        return found

    def attempts(self) -> list[dict[str, Any]]:
        """Every line of every log beside the report."""
        logs = self.output.with_suffix("").glob("*/attempts.jsonl")
        return [json.loads(line) for log in logs for line in log.read_text().splitlines()]

    def homes(self) -> list[Path]:
        """The homes that are left."""
        return list(self.output.with_suffix("").glob("*/home"))


def install(home: Path, sha256: str = "ab" * 32) -> None:
    """A model that was never fetched, as if it had been."""
    folder = home / "models" / MODEL / "gguf"
    folder.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    (folder / "stand-in.gguf").write_bytes(b"GGUF")
    told = {"name": MODEL, "form": "gguf", "files": {"stand-in.gguf": sha256}, "size": 4, "origin": "nowhere"}
    told |= {"source": "a test", "licence": "", "context": 2048, "fetched_at": 0.0}
    (folder / MANIFEST).write_text(json.dumps(told))


def made(tmp_path: Path) -> Demo:
    install(tmp_path / "home")
    return Demo(tmp_path / "home", tmp_path / "build" / "demo-local.json", tmp_path / "asked")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = made(tmp_path)
    yield demo
    for home in demo.homes():
        stop(Home(home))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, dict[str, Any], str]:
    """A measurement that nothing disturbed: with its report on standard output, and what it said meanwhile."""
    demo = made(tmp_path_factory.mktemp("whole"))
    ran = demo.run("--json")
    assert ran.returncode == 0, ran.stderr
    return demo, json.loads(ran.stdout), ran.stderr


def test_the_report_is_written_and_printed(whole: tuple[Demo, dict[str, Any], str]) -> None:
    demo, report, _ = whole
    assert report == demo.report()
    assert list(report["arms"]) == ["baseline", "skills", "given_skills"]
    assert {arm["n"] for arm in report["arms"].values()} == {TASKS}
    assert report["splits_sha256"] == splits_sha256()
    assert report["stopped"] is None


def test_the_report_has_the_keys_of_the_demos(whole: tuple[Demo, dict[str, Any], str]) -> None:
    _, report, _ = whole
    common = (
        "arms single compound by_rules told failures pairs share_of_distance skill_generation skills training"
    )
    common += " recall evolver_trouble stage_seconds split seed stream model temperature max_skills protections seconds"
    assert set(common.split()) <= set(report)


def test_skills_that_were_learnt_are_obeyed(whole: tuple[Demo, dict[str, Any], str]) -> None:
    _, report, _ = whole
    assert report["skills"] > 0
    assert report["stream_attempted"] == STREAM
    assert report["arms"]["baseline"]["strict"] < report["arms"]["skills"]["strict"]
    assert report["with_skill"]["baseline"] == 0
    assert report["with_skill"]["skills"] > 0
    assert report["pairs"]["baseline skills"]["difference"] > 0


def test_the_model_its_hash_and_its_prompting_are_told(whole: tuple[Demo, dict[str, Any], str]) -> None:
    _, report, _ = whole
    assert (report["model"], report["form"], report["model_sha256"]) == (MODEL, "gguf", "ab" * 32)
    assert report["prompting"]["ends"] == "ran"
    assert report["names"] == "natural"
    assert report["task_right"]["baseline"]["task_right"] == 1
    assert report["cost"]["baseline"]["completion_tokens"] > 0


def test_no_home_and_no_server_is_left(whole: tuple[Demo, dict[str, Any], str]) -> None:
    demo, _, _ = whole
    assert demo.homes() == []
    assert (demo.home / "models" / MODEL / "gguf" / "stand-in.gguf").is_file()


def test_every_attempt_is_in_the_log(whole: tuple[Demo, dict[str, Any], str]) -> None:
    demo, _, _ = whole
    attempts = demo.attempts()
    arms = Counter(record["arm"] for record in attempts if "arm" in record)
    assert set(arms.values()) == {TASKS}
    assert len([record for record in attempts if "stream" in record]) == STREAM


def test_progress_is_told_on_standard_error(whole: tuple[Demo, dict[str, Any], str]) -> None:
    _, _, said = whole
    assert "A new measurement begins" in said
    assert f"{STREAM}/{STREAM}" in said
    assert f"{3 * TASKS}/{3 * TASKS}" in said


@pytest.mark.parametrize("at", [3, 11])
def test_a_killed_stream_goes_on(at: int, demo: Demo, whole: tuple[Demo, dict[str, Any], str]) -> None:
    killed = demo.run(server=("--kill-at", at))
    assert killed.returncode == -signal.SIGKILL
    assert not demo.output.exists()
    done = {record["stream"] for record in demo.attempts()}
    ran = demo.run("--json")
    assert ran.returncode == 0, ran.stderr
    assert "It goes on" in ran.stderr
    again, first = json.loads(ran.stdout), whole[1]
    assert again["processes"] == 2
    for key in ("arms", "pairs", "stream_attempted", "stream_passed", "skill_bodies", "support", "query"):
        assert again[key] == first[key], key
    names = Counter(record["stream"] for record in demo.attempts() if "stream" in record)
    assert all(names[name] == 1 for name in done)


def test_killed_arms_go_on_without_asking_again_what_was_answered(
    demo: Demo, whole: tuple[Demo, dict[str, Any], str]
) -> None:
    total = len(whole[0].asked.read_text().splitlines())
    killed = demo.run(server=("--kill-at", total - 4))
    assert killed.returncode == -signal.SIGKILL
    done = [(record["arm"], record["task"]) for record in demo.attempts() if "arm" in record]
    assert done
    ran = demo.run("--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["arms"] == whole[1]["arms"]
    found = [(record["arm"], record["task"]) for record in demo.attempts() if "arm" in record]
    assert len(found) == len(set(found)) == 3 * TASKS
    assert demo.homes() == []


def test_ctrl_c_ends_it_and_says_how_to_go_on(demo: Demo) -> None:
    stopped = demo.run(server=("--interrupt-at", 3))
    assert stopped.returncode == 130, stopped.stderr
    assert f"0 of {STREAM} training tasks" in stopped.stderr
    assert "the same command goes on with them" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    (home,) = demo.homes()
    assert not (home / "runtime" / "policy.json").exists()


def test_time_that_is_over_leaves_a_report_of_pairs_or_says_that_it_was_too_short(demo: Demo) -> None:
    ended = demo.run("--minutes", 0.000001)
    assert ended.returncode == 1
    assert "minutes were too short" in ended.stderr
    assert demo.homes()
    ran = demo.run("--minutes", 60)
    assert ran.returncode == 0, ran.stderr
    # What is learnt is settled before the first arm begins: another library would be another arm.
    assert demo.report()["stream_attempted"] == 0


def test_another_model_is_another_measurement(demo: Demo) -> None:
    assert demo.run(server=("--kill-at", 2)).returncode == -signal.SIGKILL
    install(demo.home, "cd" * 32)
    ran = demo.run("--json")
    assert ran.returncode == 0, ran.stderr
    assert "A measurement of something else was begun and is kept: files" in ran.stderr
    assert json.loads(ran.stdout)["processes"] == 1
    assert len(demo.homes()) == 1


def test_the_stand_in_knows_what_is_asked() -> None:
    tasks = known_tasks(SEED, TASKS, STREAM)
    assert [task.split for task in tasks] == ["test"] * TASKS + ["train"] * STREAM


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--n", 1), "Use --n 2 or more"),
        (("--stream", 0), "Use 1 or more"),
        (("--compound", 1.5), "from 0 to 1"),
        (("--minutes", 0), "Nothing can be measured in 0 minutes"),
        (("--steps", 0), "--steps 0 is too few"),
        (("--max-tokens", 1), "--max-tokens 1 is too few"),
        (("--model", "metaclaw-practice-1m"), "is the embedded model"),
    ],
)
def test_bad_input_is_refused(words: tuple[object, ...], said: str, metaclaw: Metaclaw) -> None:
    ran = metaclaw("demo-local", *words)
    assert ran.code == 2
    assert said in ran.err


def test_a_model_that_nobody_knows_is_told_with_the_one_that_was_meant(
    metaclaw: Metaclaw, tmp_path: Path
) -> None:
    ran = metaclaw("demo-local", "--model", "smollm2-135n", "--output", tmp_path / "demo.json")
    assert ran.code == 1
    assert "Did you mean smollm2-135m?" in ran.err


def test_help_tells_all_of_it(metaclaw: Metaclaw, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        metaclaw("demo-local", "--help")
    text = capfd.readouterr().out
    for option in ("--model", "--n", "--stream", "--seed", "--train", "--minutes", "--output", "--home"):
        assert option in text
