import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import FetchFailed, FetchRefused, ModelUnusable, NotFound, UsageMistake
from metaclaw_jlab.policies.model_request import request
from metaclaw_jlab.policies.model_sources.copied_file import CopiedFile
from metaclaw_jlab.policies.model_sources.hub import HubSource, hub_of
from metaclaw_jlab.policies.model_store import fetch, get
from metaclaw_jlab.runtime.home import Home, open_home
from tests.loopback.model_hub import ModelHub

GGUF = b"GGUF and so on"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelHub]:
    hub = ModelHub()
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    yield hub
    hub.close()


def test_a_short_name_has_the_hub_first_and_then_the_index() -> None:
    wanted = request("SmolLM2-135M")
    assert [source.name for source in wanted.sources] == ["the hub", "the package index"]
    assert (wanted.name, wanted.size) == ("smollm2-135m", 98_362_432)


def test_a_short_name_can_lie_at_a_path(tmp_path: Path) -> None:
    assert request("smollm2-135m", path=tmp_path).sources == (CopiedFile(tmp_path),)


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    for text, path in (("smollm2-135m", tmp_path / "absent"), (str(tmp_path / "absent"), None)):
        with pytest.raises(NotFound, match="Check the path"):
            request(text, path=path)


def test_a_misspelt_name_finds_its_neighbour() -> None:
    with pytest.raises(NotFound, match=r"Did you mean qwen2\.5-coder-0\.5b"):
        request("qwen2.5-coder-0.5")


def test_a_file_of_ones_own_is_named_after_itself(home: Home, tmp_path: Path) -> None:
    (tmp_path / "My Model.gguf").write_bytes(GGUF)
    model = get(home, str(tmp_path / "My Model.gguf"))
    assert (model.name, model.path.read_bytes()) == ("my-model", GGUF)


def test_a_file_that_is_no_gguf_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ModelUnusable, match="no GGUF"):
        request(str(tmp_path / "notes.txt"))


def test_a_folder_needs_a_configuration_and_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnusable, match="safetensors"):
        request(str(tmp_path))


def test_a_folder_of_safetensors_is_copied(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "Trained"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "training.log").write_text("long")
    model = get(home, str(folder))
    assert (model.name, model.form, model.path) == ("trained", "safetensors", model.folder)
    assert set(model.files) == {"config.json", "model.safetensors"}


def test_a_repository_with_safetensors_is_fetched_at_its_commit(home: Home, hub: ModelHub) -> None:
    hub.files |= {"org/name/config.json": b"{}", "org/name/model.safetensors": b"weights"}
    model = get(home, "org/name")
    assert (model.name, model.form, model.licence) == ("org--name", "safetensors", "mit")
    assert model.files["model.safetensors"] == hashlib.sha256(b"weights").hexdigest()
    assert "/org/name/resolve/c0ffee/config.json" in [path for path, _, _ in hub.requests]


def test_the_hash_that_the_hub_tells_decides(home: Home, hub: ModelHub) -> None:
    hub.files["org/name/model.gguf"] = GGUF
    hub.claimed_sha256 = "0" * 64
    with pytest.raises(FetchFailed, match="other bytes"):
        get(home, "org/name")


def test_a_small_file_that_arrives_changed_is_refused(home: Home, hub: ModelHub) -> None:
    hub.files |= {"org/name/config.json": b"{}", "org/name/model.safetensors": b"weights"}
    wanted = request("org/name")
    hub.files["org/name/config.json"] = b"[]"
    with pytest.raises(FetchFailed, match=r"other bytes of config\.json"):
        fetch(home, wanted)


def test_of_several_quantisations_the_usual_one_is_taken(hub: ModelHub) -> None:
    hub.files |= {f"org/name/m-{kind}.gguf": GGUF for kind in ("q2_k", "Q4_K_M", "q8_0")}
    assert [file.name for file in request("org/name").files] == ["m-Q4_K_M.gguf"]


def test_where_none_is_usual_they_are_named(hub: ModelHub) -> None:
    hub.files |= {f"org/name/m-{kind}.gguf": GGUF for kind in ("q2_k", "q8_0")}
    with pytest.raises(UsageMistake, match=r"m-q2_k\.gguf, m-q8_0\.gguf"):
        request("org/name")


def test_one_file_can_be_named(hub: ModelHub) -> None:
    hub.files |= {f"org/name/{kind}/m.gguf": GGUF for kind in ("q2_k", "q8_0")}
    wanted = request("org/name/q8_0/m.gguf")
    assert [file.name for file in wanted.files] == ["q8_0/m.gguf"]


def test_a_file_in_parts_is_told(hub: ModelHub) -> None:
    hub.files["org/name/m-00001-of-00002.gguf"] = GGUF
    with pytest.raises(ModelUnusable, match="one piece"):
        request("org/name")


def test_a_repository_that_is_not_there_may_want_a_login(hub: ModelHub) -> None:
    with pytest.raises(FetchRefused, match="wants a login for org/absent, or does not have it"):
        request("org/absent")


def test_terms_that_were_not_accepted_are_told(hub: ModelHub) -> None:
    hub.refuse = (403, "GatedRepo")
    with pytest.raises(FetchRefused, match=r"Accept them at .*/org/name"):
        request("org/name")


def test_an_endpoint_that_is_no_hub_is_told(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/stored")
    hub.files["api/models/org/name/revision/main"] = b"<html>"
    with pytest.raises(FetchFailed, match="HF_ENDPOINT"):
        request("org/name")


def test_a_hub_that_is_switched_off_is_not_asked(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FetchFailed, match="HF_HUB_OFFLINE"):
        request("org/name")
    assert hub.requests == []


def test_a_larger_model_has_its_hash_from_the_hub(hub: ModelHub) -> None:
    hub.files["Qwen/Qwen2.5-Coder-7B-Instruct-GGUF/qwen2.5-coder-7b-instruct-q4_k_m.gguf"] = GGUF
    wanted = request("qwen2.5-coder-7b")
    assert [file.sha256 for file in wanted.files] == [hashlib.sha256(GGUF).hexdigest()]


def test_the_weights_of_a_short_name_come_from_the_hub(hub: ModelHub) -> None:
    stem = "HuggingFaceTB/SmolLM2-135M-Instruct"
    hub.files |= {f"{stem}/config.json": b"{}", f"{stem}/model.safetensors": b"weights"}
    wanted = request("smollm2-135m", "safetensors")
    assert (wanted.name, wanted.form) == ("smollm2-135m", "safetensors")
    assert isinstance(wanted.sources[0], HubSource)


@pytest.mark.parametrize(
    ("variables", "token"),
    [
        ({"HF_TOKEN": "hf_a\n"}, "hf_a"),
        ({"HUGGING_FACE_HUB_TOKEN": "hf_b"}, "hf_b"),
        ({"HF_TOKEN_PATH": "token"}, "hf_kept"),
        ({"HF_HOME": "."}, "hf_kept"),
        ({"HF_HOME": "nowhere"}, ""),
    ],
)
def test_the_token_is_where_the_hub_looks_for_it(
    variables: dict[str, str], token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("hf_kept\n")
    assert hub_of(variables).token == token


def test_a_token_is_not_shown() -> None:
    assert "hf_secret" not in repr(hub_of({"HF_TOKEN": "hf_secret"}))
