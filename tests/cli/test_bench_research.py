import argparse
import os
import signal
import sys
from pathlib import Path

import pytest
import yaml

from metaclaw_jlab.cli import bench_research
from metaclaw_jlab.core.errors import UsageMistake

STAND_IN = Path(__file__).parents[1] / "evaluation/research/stand_in.py"


@pytest.fixture
def config(tmp_path, home, scripted_server):
    scripted_server.always("Done.")
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(
        f'[policy]\nbase_url = "{scripted_server.base_url}"\nmodel = "scripted"\n'
    )
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump({"research": {"topic": "Tables"}, "llm": {"primary_model": "gpt-4o"}}))
    return path


def asked(*words):
    parser = argparse.ArgumentParser()
    bench_research.add_arguments(parser.add_subparsers(dest="suite"))
    return parser.parse_args(["research", *map(str, words)], argparse.Namespace(home=None, json=True))


def test_arms_are_run_and_told_in_a_table(config, tmp_path, capfd):
    program = f"{sys.executable} {STAND_IN}"
    found = bench_research.run(asked("--config", config, "--out", tmp_path / "out", "--command", program))
    assert {arm: one["stages_done"] for arm, one in found["arms"].items()} == {
        "baseline": [23],
        "skills": [23],
    }
    assert found["topic"] == "Tables"
    assert "baseline run 1" in capfd.readouterr().err
    table = bench_research.render(found)
    assert "23 of 23" in table
    assert "skills - baseline: composite +0.000 in one run, from which nothing follows." in table


def test_a_program_that_is_not_installed_is_told_how_to_get(config, metaclaw, monkeypatch):
    monkeypatch.setenv("PATH", "")
    ran = metaclaw("bench", "research", "--config", config, "--json")
    assert ran.code == 1
    assert "not installed" in ran.json["error"]["cause"]
    assert "git clone" in ran.json["error"]["next_step"]


@pytest.mark.parametrize(
    "words",
    [
        ("--runs", "0"),
        ("--timeout-minutes", "0"),
        ("--timeout-minutes", "nan"),
        ("--arms", "nobody"),
        ("--arms", "skills,skills"),
    ],
)
def test_what_cannot_be_is_refused(config, words):
    with pytest.raises(UsageMistake):
        bench_research.run(asked("--config", config, *words))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_ended_from_outside_leaves_nothing_behind(config, monkeypatch, number):
    def ended(*_):
        os.kill(os.getpid(), number)
        raise AssertionError("It went on.")

    monkeypatch.setattr("metaclaw_jlab.evaluation.research.running.run_research", ended)
    before = signal.signal(number, lambda *_: None)
    try:
        with pytest.raises(KeyboardInterrupt):
            bench_research.run(asked("--config", config, "--command", sys.executable))
        assert signal.getsignal(number) is not signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_a_run_that_outlives_its_terminal_goes_on():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with bench_research._ended_by_a_signal():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
