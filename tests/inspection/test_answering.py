from pathlib import Path

import pytest

from metaclaw_jlab.core.config import EMBEDDED_MODEL, Settings
from metaclaw_jlab.core.errors import MissingExtra, ModelUnusable
from metaclaw_jlab.inspection.answering import (
    LIBRARIES,
    AnsweringModel,
    answering_model,
    check_memory,
    check_runtime,
)
from metaclaw_jlab.policies.catalogue import MODELS
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.memory import Memory
from metaclaw_jlab.runtime.policy_server import Endpoint
from tests.inspection.installed_samples import gguf_file, install


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def chosen(home: Home, server: str | None = None, form: str = "gguf", **policy: str) -> AnsweringModel:
    endpoint = None if server is None else Endpoint("http://127.0.0.1:1/v1", "t", server, 1, form)
    return answering_model(home, Settings.model_validate({"policy": policy}), endpoint)


def test_the_practice_model_says_that_it_knows_only_its_tasks(home: Home) -> None:
    found = chosen(home)
    assert (found.name, found.kind, found.trains) == (EMBEDDED_MODEL, "embedded", True)
    assert found.abilities[0] == "It knows only the practice tasks."


def test_an_endpoint_elsewhere_says_that_what_is_asked_goes_there(home: Home) -> None:
    found = chosen(home, base_url="https://a.org/v1", model="big")
    assert (found.kind, found.source, found.form) == ("endpoint", "https://a.org/v1", None)
    assert "sent there" in found.abilities[0]


def test_an_endpoint_on_this_machine_sends_nothing(home: Home) -> None:
    assert "this machine" in chosen(home, base_url="http://localhost:9/v1").abilities[0]


def test_of_both_forms_the_one_that_is_asked_for_is_told(home: Home) -> None:
    install(home, "smollm2-135m")
    install(home, "smollm2-135m", "safetensors")
    assert chosen(home, local_model="smollm2-135m").form == "gguf"
    found = chosen(home, local_model="smollm2-135m", local_form="safetensors")
    assert (found.form, found.runtime) == ("safetensors", "torch")


def test_it_runs_where_the_server_has_it_by_name_or_path(home: Home, tmp_path: Path) -> None:
    install(home, "smollm2-135m")
    assert chosen(home, "smollm2-135m", local_model="smollm2-135m").running
    assert chosen(home, "SmolLM2-135M", local_model="SmolLM2-135M").running
    assert not chosen(home, "other", local_model="smollm2-135m").running
    assert not chosen(home, "smollm2-135m", "safetensors", local_model="smollm2-135m").running
    own = str(gguf_file(tmp_path))
    assert chosen(home, own, local_model=own).running


def test_without_a_wish_the_form_that_is_loaded_answers(home: Home) -> None:
    for form in ("gguf", "safetensors"):
        install(home, "smollm2-135m", form)  # type: ignore[arg-type]
    found = chosen(home, "smollm2-135m", "safetensors", local_model="smollm2-135m")
    assert (found.form, found.running) == ("safetensors", True)
    wished = chosen(home, "smollm2-135m", "safetensors", local_model="smollm2-135m", local_form="gguf")
    assert (wished.form, wished.running) == ("gguf", False)


def test_what_is_known_of_a_file_of_ones_own(home: Home, tmp_path: Path) -> None:
    found = chosen(home, local_model=str(gguf_file(tmp_path)))
    assert (found.form, found.trains, found.context, found.memory) == ("gguf", False, 4096, 1004)
    assert "It is not trained here; skills help it." in found.abilities


def test_a_model_that_is_not_there_has_a_problem(home: Home) -> None:
    found = chosen(home, local_model="qwen2.5-coder-1.5b")
    assert found.abilities == ()
    assert "metaclaw models get qwen2.5-coder-1.5b" in found.problem


@pytest.mark.parametrize("name", [model.name for model in MODELS])
def test_every_short_name_says_what_to_expect(name: str, home: Home) -> None:
    install(home, name)
    assert "parameters" in chosen(home, local_model=name).abilities[0]


def test_what_runs_a_form_is_named_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIBRARIES, "gguf", ("no_such_library",))
    with pytest.raises(MissingExtra, match=r"metaclaw-jlab\[local\]"):
        check_runtime("gguf")


def test_a_model_larger_than_the_memory_is_refused() -> None:
    check_memory("m", 1 << 30, Memory(2 << 30, 0))
    check_memory("m", None, Memory(1, 0))
    with pytest.raises(ModelUnusable, match=r"takes about 3\.0 GB of memory .* has 2\.0 GB"):
        check_memory("m", 3 << 30, Memory(2 << 30, 0))
