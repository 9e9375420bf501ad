from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from metaclaw_jlab.core.errors import AdapterRefused, ModelUnusable
from metaclaw_jlab.engines.adapter_card import CONFIG, WEIGHTS, AdapterCard, write_card
from metaclaw_jlab.engines.base_identity import file_sha256
from metaclaw_jlab.engines.gguf_adapter import gguf_adapter, interleaved, read_base, write_gguf_adapter
from metaclaw_jlab.runtime.home import Home, open_home

PROMPTS, LENGTH, TOKENS = 50, 12, 16
Pair = Callable[..., tuple[Any, Path]]
Serve = Callable[..., Callable[..., Any]]


def peft_adapter(model: Any, folder: Path, **config: Any) -> Any:
    """The model with an adapter of random weights over all linear layers, which is saved in `folder`."""
    import copy

    from peft import LoraConfig, get_peft_model

    configuration: Any = LoraConfig
    wanted = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | config
    torch.manual_seed(3)
    changed = get_peft_model(copy.deepcopy(model), configuration(**wanted))
    for name, parameter in changed.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.25)
    changed.save_pretrained(str(folder))
    return changed.eval()


def prompts(vocabulary: int) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(5)
    return torch.randint(3, vocabulary, (PROMPTS, LENGTH), generator=drawn)


def greedy(model: Any, text: torch.Tensor) -> list[list[int]]:
    """What a model says to each prompt, without any cache."""
    with torch.inference_mode():
        for _ in range(TOKENS):
            text = torch.cat([text, model(input_ids=text).logits[:, -1:].argmax(-1)], 1)
    return [row[LENGTH:] for row in text.tolist()]


def greedy_of_llama_cpp(post: Callable[..., Any], text: torch.Tensor) -> list[list[int]]:
    said = []
    for row in text.tolist():
        wanted = {"n_predict": TOKENS, "temperature": 0, "ignore_eos": False, "return_tokens": True}
        said.append(post("/completion", prompt=row, cache_prompt=False, **wanted)["tokens"])
    return said


def until_end(rows: list[list[int]]) -> list[list[int]]:
    """What comes before the first token that ends an answer for llama.cpp."""
    ends = ({0, 2} & set(row) for row in rows)
    return [row[: min(map(row.index, end), default=len(row))] for row, end in zip(rows, ends, strict=True)]


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_llama_cpp_says_the_same_tokens_as_peft(
    spoken_gguf: Pair, llama_cpp: Serve, tmp_path: Path, kind: str
) -> None:
    model, base = spoken_gguf(kind)
    changed = peft_adapter(model, tmp_path / "peft")
    adapter = write_gguf_adapter(tmp_path / "peft", base, tmp_path / "adapter.gguf")
    text = prompts(model.config.vocab_size)
    expected = until_end(greedy(changed, text))
    assert until_end(greedy_of_llama_cpp(llama_cpp(base, adapter=adapter), text)) == expected
    assert sum(a != b for a, b in zip(expected, until_end(greedy(model, text)), strict=True)) > PROMPTS // 2


def test_ranks_and_scales_of_single_layers_are_kept(
    spoken_gguf: Pair, llama_cpp: Serve, tmp_path: Path
) -> None:
    model, base = spoken_gguf("llama")
    patterns = {"rank_pattern": {"q_proj": 2, "down_proj": 6}, "alpha_pattern": {"k_proj": 16}}
    changed = peft_adapter(model, tmp_path / "peft", use_rslora=True, **patterns)
    adapter = write_gguf_adapter(tmp_path / "peft", base, tmp_path / "adapter.gguf")
    text = prompts(model.config.vocab_size)
    expected = until_end(greedy(changed, text))
    assert until_end(greedy_of_llama_cpp(llama_cpp(base, adapter=adapter), text)) == expected


def test_rows_that_are_turned_are_pairs_of_the_two_halves() -> None:
    rows = torch.arange(8)[:, None].numpy()
    assert interleaved(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_a_kind_of_model_without_known_names_is_refused(spoken_gguf: Pair, tmp_path: Path) -> None:
    import gguf

    path = tmp_path / "other.gguf"
    writer = gguf.GGUFWriter(path, "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelUnusable, match="kind mamba"):
        read_base(path)


@pytest.mark.parametrize("length", [4, 100, 20_000])
def test_a_model_file_that_is_cut_off_is_told(spoken_gguf: Pair, tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(spoken_gguf("llama")[1].read_bytes()[:length])
    with pytest.raises(ModelUnusable, match=r"cut\.gguf cannot be read"):
        read_base(path)


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "biases"),
    ],
)
def test_an_adapter_that_is_no_plain_lora_is_refused(
    spoken_gguf: Pair, tmp_path: Path, config: dict[str, Any], cause: str
) -> None:
    model, base = spoken_gguf("llama")
    peft_adapter(model, tmp_path / "peft")
    place = tmp_path / "peft" / CONFIG
    place.write_text(json.dumps(json.loads(place.read_text()) | config))
    with pytest.raises(AdapterRefused, match=cause):
        write_gguf_adapter(tmp_path / "peft", base, tmp_path / "adapter.gguf")
    assert not list(tmp_path.glob("*.gguf"))


def test_an_adapter_of_another_model_is_refused(
    spoken_gguf: Pair, model_folder: Callable[[str], Path], tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    causal: Any = AutoModelForCausalLM
    peft_adapter(causal.from_pretrained(model_folder("llama")), tmp_path / "peft")
    with pytest.raises(AdapterRefused, match="shapes"):
        write_gguf_adapter(tmp_path / "peft", spoken_gguf("llama")[1], tmp_path / "adapter.gguf")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def base(spoken_gguf: Pair, tmp_path: Path) -> Path:
    """A copy of the tiny llama, to be changed."""
    copy = tmp_path / "base.gguf"
    copy.write_bytes(spoken_gguf("llama")[1].read_bytes())
    return copy


@pytest.fixture
def folder(home: Home, spoken_gguf: Pair) -> Path:
    """Version 3, published, of a model that is called tiny."""
    place = home.adapters / "v3"
    peft_adapter(spoken_gguf("llama")[0], place)
    write_card(place, AdapterCard(3, "tiny", "0" * 64, 0, file_sha256(place / WEIGHTS)))
    return place


def test_a_file_is_made_once_and_kept_beside_the_weights(home: Home, folder: Path, base: Path) -> None:
    made = gguf_adapter(home, 3, base, base="tiny")
    before = made.stat()
    assert made.parent == folder
    assert gguf_adapter(home, 3, base, base="tiny").stat().st_mtime_ns == before.st_mtime_ns
    assert file_sha256(folder / WEIGHTS) == json.loads((folder / "metaclaw.json").read_text())["sha256"]


def test_a_spoilt_file_is_made_again(home: Home, folder: Path, base: Path) -> None:
    made = gguf_adapter(home, 3, base)
    whole = made.read_bytes()
    made.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert gguf_adapter(home, 3, base).read_bytes() == whole


def test_a_file_is_made_again_for_another_model_file(home: Home, folder: Path, base: Path) -> None:
    before = gguf_adapter(home, 3, base).stat().st_ino
    with base.open("ab") as file:
        file.write(bytes(32))
    assert gguf_adapter(home, 3, base).stat().st_ino != before


def test_weights_that_are_not_those_published_are_refused_although_a_file_was_made(
    home: Home, folder: Path, base: Path
) -> None:
    gguf_adapter(home, 3, base)
    with (folder / WEIGHTS).open("ab") as file:
        file.write(b" ")
    with pytest.raises(AdapterRefused, match="another checksum"):
        gguf_adapter(home, 3, base)


def test_weights_that_are_not_those_of_the_store_are_refused(home: Home, folder: Path, base: Path) -> None:
    with pytest.raises(AdapterRefused, match="another checksum"):
        gguf_adapter(home, 3, base, sha256="1" * 64)


def test_an_adapter_of_another_name_is_refused(home: Home, folder: Path, base: Path) -> None:
    with pytest.raises(AdapterRefused, match="trained for tiny"):
        gguf_adapter(home, 3, base, base="other")


def test_a_version_without_files_is_refused(home: Home, base: Path) -> None:
    with pytest.raises(AdapterRefused, match="cannot be read"):
        gguf_adapter(home, 9, base)


def test_an_adapter_of_other_safetensors_of_that_name_is_refused(
    home: Home, folder: Path, base: Path, model_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model_folder("llama").parent)
    named = model_folder("llama").name
    write_card(folder, AdapterCard(3, named, "0" * 64, 0, file_sha256(folder / WEIGHTS)))
    with pytest.raises(AdapterRefused, match="has changed since"):
        gguf_adapter(home, 3, base, base=named)
