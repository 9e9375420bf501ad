"""Models on this machine: found by name, folder or hub id, loaded, and tried out."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.policies.catalogue import find
from metaclaw_jlab.policies.model_store import find_installed
from metaclaw_jlab.policies.served_model import resolve
from metaclaw_jlab.runtime.home import Home

_log = logging.getLogger(__name__)
PLAIN_TOKENIZERS = frozenset({"PreTrainedTokenizerFast", "TokenizersBackend"})
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A causal language model, ready to decode.

    `name` is what it is served as, `context` the longest text in tokens; `token_bytes` are the keys and values of one
    token; `rolling` says whether a running batch takes newcomers.
    """

    name: str
    model: Any
    tokenizer: Any
    context: int
    vocabulary: int
    eos: frozenset[int]
    rolling: bool
    token_bytes: int
    encode: Callable[[str, bool], list[int]]
    decode: Callable[[Sequence[int]], str]


def locate(name: str, home: Home | None = None) -> Path | str:
    """The folder of a model, or the hub id where `name` is none. Raises ModelUnusable.

    With `home` a short name stands for the safetensors form of the model that has it there.
    """
    if name == EMBEDDED_MODEL:
        from metaclaw_jlab.engines import embedded

        return embedded.location()
    if home is not None and (find(name) is not None or find_installed(home, name) is not None):
        return _at_home(name, home)
    path = Path(name).expanduser()
    if path.is_file():
        raise ModelUnusable(
            f"{name} is a file; this server loads folders of safetensors.",
            "Give the folder with config.json, or serve a GGUF file with llama.cpp and `%metaclaw connect` to it.",
        )
    if path.is_dir():
        if (path / "config.json").is_file():
            return path
        if (path / "adapter_config.json").is_file():
            raise ModelUnusable(
                f"{name} holds an adapter, not a model.", "Give the folder of its base model."
            )
        raise ModelUnusable(
            f"{name} has no config.json.", "Give a folder written by save_pretrained, or a hub id."
        )
    if name.startswith(("/", ".", "~")) or not _HUB_ID.fullmatch(name):
        raise ModelUnusable(
            f"There is no folder {name}.", "Check the path, or give a hub id such as org/name."
        )
    return name if home is None else _at_home(name, home)


def _at_home(name: str, home: Home) -> Path | str:
    """What a name without a folder stands for: a model of this home, or a hub id."""
    model = find_installed(home, name)
    if model is not None and model.form == "gguf" and find_installed(home, name, "safetensors") is None:
        raise ModelUnusable(
            f"{model.name} is here as a GGUF file only, and this needs its safetensors.",
            f"Get or make them: metaclaw models get {model.name} --form safetensors",
        )
    found = resolve(home, name, "safetensors").place
    assert found is not None  # the embedded model alone has none
    return found


def load(name: str, home: Home | None = None) -> LocalModel:
    """Load a model in float32 on the CPU, in half precision on a GPU, served as `name`. Raises ModelUnusable.

    A short name is looked for in `home`.
    """
    place = locate(name, home)
    started = time.monotonic()
    import torch
    import transformers

    from metaclaw_jlab.engines.batches import can_roll, read

    with _explained(name):
        tokenizer, model = _from_files(place, _device_and_type())
    eos = _end_tokens(model, tokenizer)
    configuration: Any = transformers.GenerationConfig
    model.generation_config = configuration()  # requests alone decide; the files' defaults would mix in
    _log.info("loaded %s in %.1f s", name, time.monotonic() - started)
    with torch.inference_mode():
        logits, layers = read(model, [[0, 0]])
        if not logits.isfinite().all():
            raise ModelUnusable(
                f"{name} computes no finite numbers.", "Its weights are damaged: get it again."
            )
        rolling = can_roll(model)
    if not rolling:
        _log.info("%s: its cache takes no newcomers; requests wait for the running batch", name)
    encode, decode = _codec(tokenizer)
    return LocalModel(
        name=name,
        model=model,
        tokenizer=tokenizer,
        context=_context(model.config),
        vocabulary=model.get_input_embeddings().num_embeddings,
        eos=eos,
        rolling=rolling,
        token_bytes=sum(layer.keys.nbytes + layer.values.nbytes for layer in layers) // 2 if rolling else 0,
        encode=encode,
        decode=decode,
    )


def _device_and_type() -> tuple[Any, Any]:
    import torch

    if not torch.cuda.is_available():
        return torch.device("cpu"), torch.float32
    return torch.device("cuda"), torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _from_files(place: Path | str, where: tuple[Any, Any]) -> tuple[Any, Any]:
    """Tokenizer and model; a hub id is looked for among the downloads first, then at the hub."""
    from transformers import AutoConfig, AutoModelForCausalLM

    device, dtype = where
    local = isinstance(place, Path) or _cached(place) or _offline()
    config = AutoConfig.from_pretrained(place, local_files_only=local)
    if getattr(config, "is_encoder_decoder", False):
        raise ModelUnusable(f"{place} is an encoder-decoder model.", "Give a causal language model.")
    tokenizer = _tokenizer(place, local)
    causal: Any = AutoModelForCausalLM
    model, found = causal.from_pretrained(
        place, config=config, dtype=dtype, local_files_only=local, output_loading_info=True
    )
    if found["missing_keys"]:
        missing = sorted(found["missing_keys"])
        raise ModelUnusable(
            f"{place} lacks {len(missing)} of the model's weights, such as {missing[0]}.",
            "Give a folder with all of them.",
        )
    return tokenizer, model.eval().to(device)


def _tokenizer(place: Path | str, local: bool) -> Any:
    """The tokenizer of a model; where its folder names no kind of its own, exactly as its tokenizer.json has it.

    AutoTokenizer would take the kind that is usual for the architecture then, with other rules: Qwen's composes
    letters and accents, llama.cpp on the same files does not.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    try:
        told = json.loads((Path(place) / "tokenizer_config.json").read_text(encoding="utf-8"))
        plain = told.get("tokenizer_class") in PLAIN_TOKENIZERS and (Path(place) / "tokenizer.json").is_file()
    except (OSError, ValueError, AttributeError):
        plain = False
    kind: Any = PreTrainedTokenizerFast if plain else AutoTokenizer
    return kind.from_pretrained(place, local_files_only=local)


def _cached(hub_id: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(hub_id, "config.json"), str)


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what the libraries raise for bad files into one sentence."""
    try:
        yield
    except ModelUnusable:
        raise
    except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
        raise ModelUnusable(f"{name} cannot be loaded: {_first_line(error)}", _advice(name, error)) from error
    except Exception as error:
        # safetensors raises a class of its own, derived from Exception alone.
        if type(error).__module__.startswith("safetensors"):
            raise ModelUnusable(
                f"The weights of {name} cannot be read: {_first_line(error)}", "Get the files again."
            ) from error
        raise


def _advice(name: str, error: Exception) -> str:
    text = str(error)
    if "trust_remote_code" in text:
        return "It brings code of its own, which is not run here: serve it with another server and connect to that."
    if Path(name).expanduser().is_dir():
        return (
            "Check that the folder has config.json, the tokenizer's files and the weights of a causal model."
        )
    return "Check the id, or download the model where the hub can be reached and give its folder."


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token by which the files say that an answer ends."""
    found: set[int] = set()
    for value in (
        tokenizer.eos_token_id,
        getattr(model.config, "eos_token_id", None),
        getattr(model.generation_config, "eos_token_id", None),
    ):
        if value is not None:
            found.update([value] if isinstance(value, int) else value)
    return frozenset(found)


def _context(config: Any) -> int:
    """The longest text in tokens that the positions allow."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx"):
        value = getattr(text, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return 4096  # models without positions (state spaces) know no limit; memory does


def _codec(tokenizer: Any) -> tuple[Callable[[str, bool], list[int]], Callable[[Sequence[int]], str]]:
    """Text to ids and back. The Rust tokenizer is called directly: any thread may, and it takes microseconds."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or getattr(tokenizer, "clean_up_tokenization_spaces", False):

        def slow_encode(text: str, special: bool) -> list[int]:
            ids: list[int] = tokenizer.encode(text, add_special_tokens=special)
            return ids

        def slow_decode(ids: Sequence[int]) -> str:
            text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
            return text

        return slow_encode, slow_decode
    backend.no_truncation()
    backend.no_padding()

    def encode(text: str, special: bool) -> list[int]:
        ids: list[int] = backend.encode(text, add_special_tokens=special).ids
        return ids

    def decode(ids: Sequence[int]) -> str:
        text: str = backend.decode(ids, skip_special_tokens=True)
        return text

    return encode, decode
