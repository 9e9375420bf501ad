"""Embedders that are configured."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from metaclaw_jlab.core.config import SkillSettings
from metaclaw_jlab.core.errors import ConfigError, EmbedderError, MetaclawError
from metaclaw_jlab.engines.embedders import EndpointEmbedder, SentenceModel, open_embedder
from metaclaw_jlab.skills.shipped_embedder import ShippedEmbedder

if TYPE_CHECKING:
    from tests.loopback.server import Exchange, ScriptedServer


def answered(make: Callable[[list[str]], object]) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.json(200, make(exchange.request.body["input"]))


def listed(texts: list[str]) -> dict[str, Any]:
    """Vectors that tell the length of a text, in the wrong order."""
    rows = [
        {"object": "embedding", "index": n, "embedding": [3.0 * len(t), 4.0 * len(t)]}
        for n, t in enumerate(texts)
    ]
    return {
        "object": "list",
        "model": "m",
        "data": rows[::-1],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }


@pytest.fixture
def endpoint(scripted_server: ScriptedServer) -> EndpointEmbedder:
    return EndpointEmbedder(scripted_server.base_url, "m", timeout=20.0)


def test_vectors_come_back_in_order_and_of_length_one(
    endpoint: EndpointEmbedder, scripted_server: ScriptedServer
) -> None:
    def pairs(texts: list[str]) -> dict[str, Any]:
        found = listed(texts)
        for row, vector in zip(found["data"], ([0.0, 5.0], [2.0, 0.0]), strict=True):
            row["embedding"] = vector
        return found

    scripted_server.script(answered(pairs))
    assert endpoint.embed(["a", "b"]) == [[1.0, 0.0], [0.0, 1.0]]
    assert endpoint.dimensions == 2
    assert scripted_server.requests[0].path.endswith("/embeddings")
    assert scripted_server.requests[0].body["model"] == "m"


def test_many_texts_are_asked_for_in_several_requests(
    endpoint: EndpointEmbedder, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(*[answered(listed)] * 3)
    vectors = endpoint.embed([f"text {number}" for number in range(600)])
    assert len(vectors) == 600
    assert [len(request.body["input"]) for request in scripted_server.requests] == [256, 256, 88]


def test_an_empty_text_is_not_sent_empty(endpoint: EndpointEmbedder, scripted_server: ScriptedServer) -> None:
    scripted_server.script(answered(listed))
    endpoint.embed(["", "  "])
    assert all(text.strip() for text in scripted_server.requests[0].body["input"])


@pytest.mark.parametrize(
    "make",
    [
        lambda texts: {"data": []},
        lambda texts: {"object": "list"},
        lambda texts: listed(["one too many", *texts]),
        lambda texts: {"data": [{"index": 0, "embedding": [0.0, 0.0]}]},
        lambda texts: {"data": [{"index": 0, "embedding": [math.inf, 1.0]}]},
        lambda texts: {"data": [{"index": 0, "embedding": ["x"]}]},
        lambda texts: {"data": [{"index": 0}]},
        lambda texts: [],
    ],
)
def test_nonsense_is_said(
    make: Callable[[list[str]], object], endpoint: EndpointEmbedder, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(answered(make))
    with pytest.raises(EmbedderError, match="no list of vectors"):
        endpoint.embed(["text"])


def test_vectors_of_another_length_are_refused(
    endpoint: EndpointEmbedder, scripted_server: ScriptedServer
) -> None:
    longer = {"data": [{"index": 0, "embedding": [1.0, 0.0, 0.0]}]}
    scripted_server.script(answered(listed), answered(lambda _: longer))
    endpoint.embed(["text"])
    with pytest.raises(EmbedderError):
        endpoint.embed(["text"])


def test_an_endpoint_that_refuses_or_is_not_there_is_said(
    endpoint: EndpointEmbedder, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(lambda exchange: exchange.json(500, {"error": {"message": "no"}}))
    with pytest.raises(EmbedderError, match="does not answer"):
        endpoint.embed(["text"])
    with pytest.raises(EmbedderError, match="does not answer"):
        EndpointEmbedder("http://127.0.0.1:9/v1", "m").embed(["text"])


def test_only_the_named_key_is_sent(scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    monkeypatch.setenv("EMBEDDER_KEY", "sk-own")
    scripted_server.script(answered(listed))
    wanted = SkillSettings(
        embedder="endpoint",
        embedder_url=scripted_server.base_url,
        embedder_model="m",
        embedder_key_env="EMBEDDER_KEY",
    )
    open_embedder(wanted).embed(["text"])
    assert scripted_server.requests[0].headers["authorization"] == "Bearer sk-own"


def test_two_models_or_addresses_have_two_names() -> None:
    made = [("http://a/v1", "m"), ("http://a/v1", "n"), ("http://b/v1", "m")]
    assert len({EndpointEmbedder(url, model).name for url, model in made}) == 3


def test_the_settings_choose(tmp_path: Path) -> None:
    assert isinstance(open_embedder(SkillSettings()), ShippedEmbedder)
    assert isinstance(
        open_embedder(SkillSettings(embedder="model", embedder_model=str(tmp_path))), SentenceModel
    )


@pytest.mark.parametrize("values", [{"embedder": "model"}, {"embedder": "endpoint", "embedder_model": "m"}])
def test_what_is_missing_in_the_settings_is_said(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="embedder_model"):
        open_embedder(SkillSettings(**values))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with a tiny random model."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    words = ["[PAD]", "[UNK]", "draw", "a", "chart", "date"]
    bare = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=bare, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(
        folder
    )
    torch.manual_seed(0)
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained(folder)
    return folder


def pooling(folder: Path, first: bool) -> None:
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": first}))


def test_a_model_embeds_whatever_is_beside_a_text(model: Path) -> None:
    pooling(model, first=False)
    embedder = SentenceModel(str(model))
    alone = embedder.embed(["draw a chart"])[0]
    beside = embedder.embed(["draw a chart", "a date a date a date a date"])[0]
    assert len(alone) == embedder.dimensions == 8
    assert math.hypot(*alone) == pytest.approx(1.0, abs=1e-5)
    assert beside == pytest.approx(alone, abs=1e-5)


def test_a_model_pools_as_its_folder_says(model: Path) -> None:
    pooling(model, first=False)
    mean = SentenceModel(str(model)).embed(["draw a chart"])[0]
    pooling(model, first=True)
    assert SentenceModel(str(model)).embed(["draw a chart"])[0] != pytest.approx(mean, abs=1e-3)


def test_the_name_of_a_model_is_that_of_its_weights(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "model.safetensors"
    other.write_bytes(b"others")
    assert SentenceModel(str(model)).name == SentenceModel(str(model)).name
    assert SentenceModel(str(tmp_path)).name != SentenceModel(str(model)).name


def test_a_model_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MetaclawError, match="cannot be loaded"):
        SentenceModel(str(tmp_path)).embed(["text"])
