import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.namespaces import open_namespace
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory, new_trajectory_id
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.inspection.status import LINES, render_status, status
from metaclaw_jlab.learning.adapters import force
from metaclaw_jlab.runtime.policy_server import Endpoint, publish
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.skills.library import Problem, write_skill
from metaclaw_jlab.store.notebooks import Notebooks
from tests.inspection.installed_samples import install
from tests.inspection.learning_samples import failed
from tests.learning.trained import begun, candidate, finished


def done(workspace: Workspace, stop: StopReason | None) -> None:
    trajectory = Trajectory(new_trajectory_id(), Task("x"), Stamp(0, (), "m"), stop=stop)
    workspace.trajectories().record(trajectory)


@contextmanager
def healthy_server(workspace: Workspace, model: str) -> Iterator[None]:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    publish(workspace.home, Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "t", model, os.getpid()))
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_embedded_policy_says_what_it_knows(workspace: Workspace) -> None:
    found = status(workspace)
    assert found.practice_only
    assert "only the practice tasks" in render_status(found)


def test_an_endpoint_needs_no_server(workspace: Workspace) -> None:
    set_value(workspace.home.config, "policy.base_url", "http://localhost:9/v1")
    set_value(workspace.home.config, "policy.model", "big")
    found = status(workspace)
    assert (found.practice_only, found.policy, found.model) == (False, "big at http://localhost:9/v1", "big")
    assert "not needed" in found.server


def test_a_running_server_is_told_with_its_model(workspace: Workspace) -> None:
    with healthy_server(workspace, "tiny"):
        found = status(workspace)
    assert found.server_running
    assert "serves tiny in torch (process" in found.server


def test_a_pinned_adapter_is_told(workspace: Workspace) -> None:
    set_value(workspace.home.config, "policy.local_model", "base@v7")
    found = status(workspace)
    assert found.adapter == 7
    assert "adapter v7" in render_status(found)


def test_an_empty_home_says_where_to_begin(workspace: Workspace) -> None:
    text = render_status(status(workspace))
    assert "%%metaclaw" in text
    assert f"{workspace.home.skills}/<name>/SKILL.md" in text


def test_a_home_in_use_gives_no_advice(workspace: Workspace) -> None:
    write_skill(workspace.home.skills, Skill("a", "Use for a.", "Do a."))
    done(workspace, StopReason.DONE)
    assert status(workspace).next_steps == ()


def test_tasks_are_counted_by_their_end(workspace: Workspace) -> None:
    for stop in (StopReason.DONE, StopReason.DONE, StopReason.CHECK_FAILED, None):
        done(workspace, stop)
    text = render_status(status(workspace))
    assert "4: " in text
    for part in ("2 done", "1 check failed", "1 open"):
        assert part in text


def test_a_broken_skill_is_a_note(workspace: Workspace) -> None:
    (workspace.home.skills / "broken").mkdir()
    found = status(workspace)
    assert found.skill_problems == 1
    assert "'broken'" in render_status(found)


def test_with_the_problems_given_the_folder_is_left_alone(learnt: Workspace) -> None:
    write_skill(learnt.home.skills, Skill("mine", "Mine.", "By hand."))
    (learnt.home.skills / "broken").mkdir()
    told = Problem("other", "'other' is wrong.")
    found = status(learnt, problems=(told,))
    assert (found.skills, found.skill_generation) == (1, 1)
    assert told.sentence in found.notes
    assert status(learnt).skills == 2


def test_a_damaged_store_is_a_note_and_the_rest_is_told(workspace: Workspace) -> None:
    workspace.home.database.write_bytes(b"no database" * 1000)
    found = status(workspace)
    assert found.trajectories is None
    assert "damaged" in " ".join(found.notes)
    assert "cannot be read" in render_status(found)


def test_a_home_that_cannot_be_written_is_told_all_the_same(as_nobody: Path) -> None:
    path = as_nobody / "home"
    open_workspace(path).close()
    path.chmod(0o500)
    found = status(open_workspace(path))
    assert found.trajectories is None
    assert "cannot be written" in " ".join(found.notes)


def test_the_session_adds_rows(workspace: Workspace) -> None:
    assert "notebook  a.ipynb" in render_status(status(workspace, {"notebook": "a.ipynb"}))


def test_the_card_stays_short_whatever_there_is_to_say(workspace: Workspace) -> None:
    for number in range(30):
        (workspace.home.skills / f"broken-{number}").mkdir()
    lines = render_status(status(workspace, {"notebook": "a.ipynb"})).splitlines()
    assert len(lines) == LINES
    assert any("28 more" in line for line in lines)


def test_the_card_is_aligned(workspace: Workspace) -> None:
    lines = render_status(status(workspace)).splitlines()[1:-1]
    assert (
        len({len(line) - len(line[2:].lstrip("abcdefghijklmnopqrstuvwxyz").lstrip()) for line in lines}) == 1
    )


def test_switched_off_isolation_is_told(workspace: Workspace) -> None:
    set_value(workspace.home.config, "sandbox.isolation", "none")
    assert "switched off" in status(workspace).isolation


def test_a_stray_variable_is_a_note(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METACLAW_AGENT_MOOD", "good")
    assert any("METACLAW_AGENT_MOOD" in note for note in status(workspace).notes)


def test_the_status_is_json(workspace: Workspace) -> None:
    done(workspace, StopReason.DONE)
    told = json.loads(json.dumps(as_json(status(workspace))))
    assert told["trajectories"]["stopped"] == {"done": 1}
    assert told["mode"] == "ask"


def test_failures_that_wait_are_counted(workspace: Workspace) -> None:
    workspace.trajectories().record(failed("bad"))
    found = status(workspace)
    assert found.pending == 1
    assert "on; 1 failure waits to be learnt from" in render_status(found)


def test_support_and_generation_are_told(learnt: Workspace) -> None:
    found = status(learnt)
    assert (found.pending, found.skill_generation) == (0, 1)
    assert "1 support" in render_status(found)


def test_the_switch_of_the_notebook_goes_first(workspace: Workspace) -> None:
    Notebooks(workspace.database()).set_learn("a.ipynb", on=False)
    assert not status(workspace, notebook="a.ipynb").learn
    assert status(workspace, notebook="b.ipynb").learn
    assert "off: new tasks teach nothing" in render_status(status(workspace, notebook="a.ipynb"))


def test_learning_can_be_off_everywhere(workspace: Workspace) -> None:
    set_value(workspace.home.config, "agent.learn", "false")
    assert not status(workspace).learn


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "distiller, on this machine"),
        (
            {"policy.base_url": "https://a.org/v1", "policy.model": "big"},
            "big at https://a.org; failures are sent",
        ),
        ({"policy.base_url": "http://localhost:9/v1", "policy.model": "big"}, "big at http://localhost:9"),
        (
            {
                "policy.base_url": "https://a.org/v1",
                "policy.model": "big",
                "evolver.base_url": "https://b.org/v1",
            },
            "the first model at https://b.org",
        ),
        ({"policy.base_url": "https://a.org/v1", "evolver.kind": "distiller"}, "distiller, on this machine"),
        ({"evolver.kind": "model"}, "metaclaw-practice-1m on this machine"),
        ({"evolver.kind": "off"}, "off: no skills are made"),
    ],
)
def test_who_makes_skills_is_told(values: dict[str, str], told: str, workspace: Workspace) -> None:
    for key, value in values.items():
        set_value(workspace.home.config, key, value)
    assert told in status(workspace).evolver


def test_nothing_is_sent_where_the_evolver_is_on_this_machine(workspace: Workspace) -> None:
    set_value(workspace.home.config, "policy.base_url", "http://localhost:9/v1")
    assert "sent" not in status(workspace).evolver


def test_the_skills_are_those_that_the_next_prompt_has(learnt: Workspace) -> None:
    assert status(learnt).skills == 1
    write_skill(learnt.home.skills, Skill("a", "Use for a.", "Do a."))
    assert (status(learnt).skills, status(learnt).skill_generation) == (2, 2)


def test_the_adapter_that_serves_is_told(workspace: Workspace) -> None:
    made = candidate(workspace.home, workspace.database())
    force(workspace.home, workspace.database(), made.version, "I want it.")
    assert status(workspace).adapter == 1
    assert "tasks), adapter v1" in render_status(status(workspace))
    set_value(workspace.home.config, "policy.base_url", "http://localhost:9/v1")
    assert status(workspace).adapter is None


def test_the_adapter_of_another_model_is_not_told(workspace: Workspace) -> None:
    made = candidate(workspace.home, workspace.database(), base="another-model")
    force(workspace.home, workspace.database(), made.version, "A test wants it.")
    assert status(workspace).adapter is None


def test_what_waits_to_be_trained_on_is_counted(workspace: Workspace) -> None:
    workspace.trajectories().record(failed("bad"))
    found = status(workspace)
    assert found.query is not None
    assert (found.query.waiting, found.query.without_start) == (0, 1)
    assert "1 whose start was not kept" in render_status(found)


def test_it_is_told_why_nothing_is_trained(workspace: Workspace) -> None:
    assert "Nothing waits to be trained on" in render_status(status(workspace))
    set_value(workspace.home.config, "policy.base_url", "http://localhost:9/v1")
    assert "not trained here" in render_status(status(workspace))


def test_a_training_under_way_is_all_that_is_told_of_it(workspace: Workspace) -> None:
    begun(workspace.database(), done=4)
    assert status(workspace).training == (
        "Run 1 was cut off at step 4 of 10, its process is gone; `train resume` takes it up.",
    )


def test_the_last_training_is_told_with_what_the_next_one_lacks(workspace: Workspace) -> None:
    finished(workspace.home, workspace.database())
    last, lacks = status(workspace).training
    assert last == "Run 1 is done. The reason to promote."
    assert lacks.startswith("Nothing waits")
    assert "training  Run 1 is done." in render_status(status(workspace))


def test_namespaces_are_told_where_there_are_some(workspace: Workspace) -> None:
    assert "  namespaces  " not in render_status(status(workspace))
    papers = open_namespace(workspace, "papers")
    assert "namespaces  papers" in render_status(status(workspace))
    assert "namespaces/papers" in render_status(status(papers))
    papers.close()


def test_a_local_model_is_told_with_its_form_and_what_it_can(workspace: Workspace) -> None:
    model = install(workspace.home, "smollm2-135m")
    set_value(workspace.home.config, "policy.local_model", "smollm2-135m")
    found = status(workspace)
    assert found.answering is not None
    assert (found.answering.form, found.answering.runtime) == ("gguf", "llama.cpp")
    assert (found.answering.source, found.answering.running) == (str(model.path), False)
    text = render_status(found)
    assert "smollm2-135m on this machine (GGUF on llama.cpp)" in text
    assert "Tiny" in text
    assert "It can be trained here." in " ".join(found.answering.abilities)


def test_a_server_of_another_model_is_told_apart(workspace: Workspace) -> None:
    install(workspace.home, "smollm2-135m")
    set_value(workspace.home.config, "policy.local_model", "smollm2-135m")
    with healthy_server(workspace, "other"):
        assert "smollm2-135m starts with the next task" in status(workspace).server


def test_a_local_model_that_is_gone_is_a_note(workspace: Workspace) -> None:
    set_value(workspace.home.config, "policy.local_model", "smollm2-135m")
    found = status(workspace)
    assert "is not on this machine yet" in found.notes[0]
    assert "is not on this machine yet" in render_status(found)


def test_the_card_of_a_local_model_has_three_lines_more(workspace: Workspace) -> None:
    install(workspace.home, "smollm2-135m")
    set_value(workspace.home.config, "policy.local_model", "smollm2-135m")
    for number in range(30):
        (workspace.home.skills / f"broken-{number}").mkdir()
    assert len(render_status(status(workspace)).splitlines()) == LINES + 3
