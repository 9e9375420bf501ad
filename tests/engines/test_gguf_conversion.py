from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from metaclaw_jlab.core.errors import FetchStopped, ModelUnusable, StoreFull
from metaclaw_jlab.engines.base_identity import identity_of
from metaclaw_jlab.engines.gguf_conversion import convert, read_gguf, to_safetensors
from metaclaw_jlab.engines.local_models import load, locate
from metaclaw_jlab.policies.model_request import request
from metaclaw_jlab.policies.model_sources.transfer import Progress
from metaclaw_jlab.policies.model_store import InstalledModel, fetch, find_installed, folder_of, installed
from metaclaw_jlab.runtime.home import Home, open_home

Pair = Callable[..., tuple[Any, Path]]
Serve = Callable[..., Callable[..., Any]]
TEXTS = (
    "Hello world",
    "frame = pd.read_csv('sales.csv')\nfor i in range(12345):\n\tprint(i, 3.14e-10)\n\n\n",
    " leading, trailing  ",
    "\r\n \n\n  a\n\t b",
    "it's I'M we'LL don't",
    "Größe café cafe\u0301 Å ﬁ ½ ² Ⅷ",
    "日本語のテキスト 1２３ اللغة ٣٤",
    "🙂👍🏽 \u200d\u00a0\u2003x",
    "<|im_start|>user\nhi<|im_end|>\n<|endoftext|><|im_startt|>< |im_end|>",
    "",
    " ",
    "  ",
    "\n",
    "a 1 b  22",
)
CHATS = (
    [{"role": "user", "content": "Hi there"}],
    [
        {"role": "system", "content": "Be terse."},
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": " ok \n"},
    ],
)


def loaded(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    causal: Any = AutoModelForCausalLM
    return causal.from_pretrained(folder)


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_the_weights_are_those_of_the_file_at_16_bits(spoken_gguf: Pair, tmp_path: Path, kind: str) -> None:
    model, path = spoken_gguf(kind)
    convert(path, tmp_path)
    made = loaded(tmp_path).state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(made[name], tensor.half()), name


def test_a_head_that_is_tied_but_stored_twice_is_tied_again_and_the_finer_one_stays(
    spoken_gguf: Pair, tmp_path: Path
) -> None:
    model, path = spoken_gguf("qwen2", head_noise=0.01)
    convert(path, tmp_path)
    made = loaded(tmp_path)
    assert made.config.tie_word_embeddings
    assert made.lm_head.weight is made.model.embed_tokens.weight
    assert torch.allclose(made.lm_head.weight.float(), 1.01 * model.lm_head.weight, rtol=1e-3)


def test_a_head_of_its_own_stays_one(spoken_gguf: Pair, tmp_path: Path) -> None:
    model, path = spoken_gguf("llama", tied=False)
    convert(path, tmp_path)
    made = loaded(tmp_path)
    assert not made.config.tie_word_embeddings
    assert torch.equal(made.lm_head.weight, model.lm_head.weight.half())


@pytest.fixture(scope="module")
def made(spoken_gguf: Pair, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """A GGUF file that splits text in this way, and the folder that was made of it."""
    done: dict[str, tuple[Path, Path]] = {}

    def pair(split: str) -> tuple[Path, Path]:
        if split not in done:
            path = spoken_gguf("qwen2" if split == "qwen2" else "llama", split)[1]
            folder = tmp_path_factory.mktemp("made")
            convert(path, folder)
            done[split] = path, folder
        return done[split]

    return pair


@pytest.mark.parametrize("split", ["smollm", "qwen2", "gpt-2"])
def test_text_becomes_the_tokens_of_llama_cpp(
    made: Callable[[str], tuple[Path, Path]], llama_cpp: Serve, split: str
) -> None:
    path, folder = made(split)
    encode, post = load(str(folder)).encode, llama_cpp(path)
    for text in TEXTS:
        for special in (True, False):
            theirs = post("/tokenize", content=text, add_special=special, parse_special=True)["tokens"]
            assert encode(text, special) == theirs, text


def test_a_chat_becomes_the_prompt_of_llama_cpp(
    made: Callable[[str], tuple[Path, Path]], llama_cpp: Serve
) -> None:
    from transformers import AutoTokenizer

    path, folder = made("smollm")
    tokenizer, post = AutoTokenizer.from_pretrained(folder), llama_cpp(path)
    for chat in CHATS:
        ours = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        assert ours == post("/apply-template", messages=chat)["prompt"]


def test_an_answer_ends_where_llama_cpp_ends_it(made: Callable[[str], tuple[Path, Path]]) -> None:
    assert load(str(made("smollm")[1])).eos == frozenset({0, 2})


def test_no_mark_of_a_quantisation_is_left(made: Callable[[str], tuple[Path, Path]]) -> None:
    told = json.loads((made("smollm")[1] / "config.json").read_text())
    assert "quantization_config" not in told
    assert told["dtype"] == "float16"


@pytest.mark.parametrize("split", ["llama-bpe", "no-such-split"])
def test_text_that_is_split_in_another_way_is_refused(spoken_gguf: Pair, split: str) -> None:
    with pytest.raises(ModelUnusable, match=split):
        read_gguf(spoken_gguf("llama", split)[1])


@pytest.mark.parametrize("length", [2, 100, 5_000, 50_000])
def test_a_file_that_is_cut_off_is_told(spoken_gguf: Pair, tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(spoken_gguf("llama")[1].read_bytes()[:length])
    with pytest.raises(ModelUnusable, match=r"cut\.gguf (cannot be read|is no GGUF)"):
        read_gguf(path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def here(home: Home, spoken_gguf: Pair) -> InstalledModel:
    """The tiny llama, installed under the name tiny."""
    return fetch(home, request(str(spoken_gguf("llama")[1])))


def test_a_model_is_made_and_found_by_its_name(home: Home, here: InstalledModel) -> None:
    told: list[Progress] = []
    found = to_safetensors(home, here, report=told.append)
    assert (found.name, found.form, found.source) == ("tiny", "safetensors", "made from tiny.gguf")
    assert find_installed(home, "tiny", "safetensors") == found
    assert locate("tiny", home) == found.folder
    assert len(identity_of(home, "tiny")) == 64
    assert "making" in {one.stage for one in told}
    assert load("tiny", home).context == 512
    assert to_safetensors(home, here).fetched_at == found.fetched_at


def test_making_that_is_stopped_leaves_nothing(home: Home, here: InstalledModel) -> None:
    asked = iter([False, False])
    with pytest.raises(FetchStopped):
        to_safetensors(home, here, cancelled=lambda: next(asked, True))
    assert installed(home) == (here,)
    assert not any((folder_of(home) / ".drafts").iterdir())


def test_what_the_process_refuses_is_what_is_told(home: Home, here: InstalledModel) -> None:
    raw = here.path.read_bytes()
    # The last value of the last tensor: no number any more.
    here.path.write_bytes(raw[:-32] + b"\xff" * 32)
    with pytest.raises(ModelUnusable, match="not finite"):
        to_safetensors(home, here)
    assert installed(home) == (here,)


def test_a_disk_that_is_too_small_is_told_first(home: Home, here: InstalledModel) -> None:
    with pytest.raises(StoreFull):
        to_safetensors(home, here, free=lambda path: 1000)


def test_a_process_without_its_parent_ends(spoken_gguf: Pair, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "metaclaw_jlab.engines.gguf_conversion", str(spoken_gguf("llama")[1])]
    ended = subprocess.run(
        [*command, str(tmp_path)], stdin=subprocess.DEVNULL, capture_output=True, timeout=100, check=False
    )
    assert ended.returncode == 1
    assert not list(tmp_path.glob("*.safetensors"))
