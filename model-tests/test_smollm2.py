"""A pretrained model from end to end: fetched, served in both forms, asked, trained for two steps, gated and swapped.

smollm2-135m is the smallest model of the catalogue; its 94 MB come from the package index. What it answers is of little
use, so the tests hold what happens to its answers, hardly what they say.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from openai import OpenAI

from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.training import PromptKind
from metaclaw_jlab.core.trajectory import Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.policies.catalogue import find
from metaclaw_jlab.practice import draw_house, sample_task
from metaclaw_jlab.runtime.policy_server import Endpoint, adapters, stop
from metaclaw_jlab.store.start_states import StartStates

NAME = "smollm2-135m"
QUESTION = [{"role": "user", "content": "Name a colour."}]
QUERY_TASKS = 10
# As little of everything as makes a training and a gate.
SETTINGS = {
    "METACLAW_POLICY_LOCAL_MODEL": NAME,
    "METACLAW_POLICY_MAX_TOKENS": "48",
    "METACLAW_AGENT_STEPS": "1",
    "METACLAW_EVOLVER_KIND": "off",
    "METACLAW_TRAINING_STEPS": "2",
    "METACLAW_TRAINING_PROMPTS": "2",
    "METACLAW_TRAINING_GROUP": "8",
    "METACLAW_TRAINING_GATE_TASKS": "4",
    "METACLAW_TRAINING_HELD_OUT_SHARE": "0.3",
}

pytestmark = pytest.mark.timeout(360)


@dataclass
class Machine:
    """A fresh home, and the command line as a user of it has it."""

    home: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **SETTINGS, **self.more, "METACLAW_HOME": str(self.home)}

    def metaclaw(self, *words: str) -> dict[str, Any]:
        """What a command answers. Raises AssertionError with all that it said where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "metaclaw_jlab.cli.main", *words, "--json"],
            capture_output=True,
            text=True,
            env=self.environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def open(self, form: str = "auto") -> Workspace:
        overrides = {"policy.local_model": NAME, "policy.local_form": form}
        return open_workspace(self.home, overrides)

    def serve(self, form: str) -> Endpoint:
        with closing(self.open(form)) as workspace:
            return workspace.serve(workspace.settings())


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(tmp_path_factory.mktemp("model") / "home")
    yield made
    with closing(made.open()) as workspace:
        stop(workspace.home)


@pytest.fixture(scope="module")
def fetched(machine: Machine) -> dict[str, Any]:
    """The GGUF file, from whichever source answers."""
    return machine.metaclaw("models", "get", NAME)


@pytest.fixture(scope="module")
def trainable(machine: Machine, fetched: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - made from that
    return machine.metaclaw("models", "get", NAME, "--form", "safetensors")


@pytest.fixture(scope="module")
def trained(machine: Machine, trainable: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - what is trained
    """Two steps on practice tasks with natural names, and the gate."""
    with closing(machine.open("safetensors")) as workspace:
        plant_query_tasks(workspace)
    return machine.metaclaw("train", "--now")


def plant_query_tasks(workspace: Workspace) -> None:
    """Tasks that were done once under the current generation, with what they start from."""
    store, starts = workspace.trajectories(), StartStates(workspace.database())
    rng = Random(3)
    house = draw_house(rng, "train")
    generation = workspace.synchronised().generation.number
    for number in range(QUERY_TASKS):
        task = sample_task(rng, "train", house, compound=False, names="natural")
        prompt = practice_prompt(task, (), f"task-{number}", PromptKind.QUERY, workspace.prompting())
        steps = (Step(0, prompt.messages, "No code.", ""),)
        stamp = Stamp(generation, (), NAME)
        store.record(
            Trajectory(prompt.id, prompt.task, stamp, steps=steps, stop=StopReason.NO_ACTION, created_at=1.0)
        )
        starts.keep(prompt.id, prompt.start)
        store.admit(prompt.id)


def chat(endpoint: Endpoint, model: str = NAME) -> Any:
    """A chat without tools, by the client that everybody has."""
    with OpenAI(base_url=endpoint.base_url, api_key=endpoint.token) as client:
        return client.chat.completions.create(
            model=model, messages=QUESTION, max_tokens=12, temperature=0, seed=1
        )


def test_the_file_is_what_its_maker_published(fetched: dict[str, Any]) -> None:
    known = find(NAME)
    assert known is not None
    assert hashlib.sha256(Path(fetched["path"]).read_bytes()).hexdigest() == known.gguf.sha256


@pytest.mark.usefixtures("fetched")
def test_llama_cpp_answers_the_openai_client(machine: Machine) -> None:
    endpoint = machine.serve("gguf")
    answer = chat(endpoint)
    assert endpoint.form == "gguf"
    assert (answer.model, bool(answer.choices[0].message.content)) == (NAME, True)


@pytest.mark.usefixtures("fetched")
def test_a_cell_is_answered_and_recorded(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "cell.ipy").write_text(
        "%load_ext metaclaw_jlab\n"
        "get_ipython().run_cell_magic('metaclaw', '--mode auto', 'Print the number 7.')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=nocolor", "cell.ipy"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**machine.environment, "IPYTHONDIR": str(tmp_path / "ipython")},
    )
    with closing(machine.open()) as workspace:
        (trajectory,) = workspace.trajectories().recent(1)
    assert trajectory.task.text == "Print the number 7.", done.stdout + done.stderr
    assert (trajectory.stamp.model, len(trajectory.steps)) == (NAME, 1)
    assert trajectory.steps[0].usage.completion_tokens > 0


@pytest.mark.usefixtures("trainable")
def test_both_forms_say_the_same(machine: Machine) -> None:
    on_llama_cpp = chat(machine.serve("gguf")).choices[0].message.content
    endpoint = machine.serve("safetensors")
    assert endpoint.form == "safetensors"
    # The first words: what llama.cpp rounds while it computes tells sooner or later.
    assert chat(endpoint).choices[0].message.content[:8] == on_llama_cpp[:8]


def test_two_steps_are_trained_and_gated(trained: dict[str, Any]) -> None:
    account = trained["account"]
    assert (account["steps_done"], account["base"], account["state"]) == (2, NAME, "done"), trained["told"]
    assert account["gate"]["reason"], trained["told"]


def test_an_adapter_is_swapped_in_on_both_runtimes(machine: Machine, trained: dict[str, Any]) -> None:
    version = trained["account"]["adapter"]
    machine.metaclaw("adapters", "promote", str(version), "--reason", "to see it swapped in")
    for form in ("safetensors", "gguf"):
        endpoint = machine.serve(form)
        with closing(machine.open(form)) as workspace:
            report = adapters(workspace.home)
        assert report is not None
        assert report["serving"] == version, report
        assert chat(endpoint).model == f"{NAME}@v{version}"
        assert chat(endpoint, f"{NAME}@v0").model in {NAME, f"{NAME}@v0"}
