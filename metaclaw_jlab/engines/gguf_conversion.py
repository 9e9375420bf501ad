"""Makes the safetensors form of a model from its GGUF file, by way of transformers, in a process of its own.

`python -m metaclaw_jlab.engines.gguf_conversion FILE FOLDER` is that process: what it holds is given back when it
ends, stopping it is ending it, and it ends itself when its standard input closes.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import FetchStopped, MetaclawError, MissingExtra, ModelUnusable
from metaclaw_jlab.engines.gguf_header import GgufTensor, read_header
from metaclaw_jlab.policies.model_sources.transfer import Meter, Progress
from metaclaw_jlab.policies.model_store import InstalledModel, folder_of, make
from metaclaw_jlab.runtime.home import Home

ARCHITECTURES = frozenset({"llama", "qwen2", "qwen3"})
# The ways of splitting text that are rebuilt here to the letter; with another one tokens would differ now and then.
SPLITS = frozenset({"gpt-2", "qwen2", "smollm"})
# What llama.cpp ends an answer at, whatever the file names as its end.
ENDS = frozenset(
    {
        "<|endoftext|>",
        "<|im_end|>",
        "<|eot_id|>",
        "<|end_of_text|>",
        "<|end|>",
        "<end_of_turn>",
        "<|fim_pad|>",
        "<|repo_name|>",
        "<|file_sep|>",
    }
)
CONTROL = 3  # llama.cpp's kind of a token that is no text
# The head and the embeddings of one matrix, quantised twice, differ by a few percent; two matrices by far more.
TIED_WITHIN = 0.5
TOKENIZER_BYTES = 16 << 20
POLL_SECONDS = 0.25
REFUSAL = ".refusal.json"
LOG = ".log"
ELSEWHERE = "Get its safetensors from the hub, or train another model."


@dataclass(frozen=True, slots=True)
class GgufModel:
    """What a GGUF file says of itself."""

    path: Path
    architecture: str
    split: str
    tokens: list[str]
    kinds: list[int]
    special: dict[str, int]
    tensors: dict[str, GgufTensor]

    @property
    def size(self) -> int:
        """Bytes of the weights at 16 bits, a head that is there beside the embeddings counted."""
        return sum(2 * prod(one.shape) for one in self.tensors.values())

    @property
    def ends(self) -> list[int]:
        """The tokens that end an answer, that of the file first."""
        named = [
            number
            for number, (token, kind) in enumerate(zip(self.tokens, self.kinds, strict=True))
            if kind == CONTROL and token in ENDS
        ]
        first = [self.special["eos"]] if "eos" in self.special else []
        return first + [number for number in named if number not in first]


def to_safetensors(
    home: Home,
    model: InstalledModel,
    *,
    report: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    free: Callable[[Path], int] | None = None,
) -> InstalledModel:
    """The safetensors form of a model that is installed as a GGUF file, made from it where it is not there.

    Its weights are the file's, dequantised; its tokens are those of llama.cpp; a head that the model ties is tied.
    Raises ModelUnusable, MissingExtra, FetchStopped, StoreFull, StoreReadOnly.
    """
    if model.form == "safetensors":
        return model
    source = read_gguf(model.path)
    wanted = replace(
        model,
        form="safetensors",
        folder=folder_of(home) / model.name / "safetensors",
        files={},
        size=source.size + TOKENIZER_BYTES,
        source=f"made from {model.path.name}",
    )
    return make(
        home,
        wanted,
        lambda draft, meter: _in_a_process(model.path, draft, meter),
        report=report,
        cancelled=cancelled,
        free=free,
    )


def read_gguf(path: Path) -> GgufModel:
    """What the conversion needs to know of a GGUF file. Raises ModelUnusable where it cannot be converted."""
    if find_spec("gguf") is None:
        raise MissingExtra("gguf", "local")
    header = read_header(path)
    told = header.values
    try:
        model = GgufModel(
            path=path,
            architecture=str(told["general.architecture"]),
            split=str(told.get("tokenizer.ggml.pre")) if told["tokenizer.ggml.model"] == "gpt2" else "",
            tokens=list(told["tokenizer.ggml.tokens"]),
            kinds=list(told["tokenizer.ggml.token_type"]),
            special={
                name: int(told[key])
                for name, key in (
                    ("bos", "tokenizer.ggml.bos_token_id"),
                    ("eos", "tokenizer.ggml.eos_token_id"),
                    ("pad", "tokenizer.ggml.padding_token_id"),
                )
                if key in told
            },
            tensors=header.tensors,
        )
    except KeyError as error:
        raise ModelUnusable(
            f"{path.name} is no language model: it has no {error}.", "Take another file."
        ) from error
    if model.architecture not in ARCHITECTURES:
        raise ModelUnusable(
            f"{path.name} is a model of the kind {model.architecture}; safetensors are made of "
            f"{', '.join(sorted(ARCHITECTURES))} only.",
            ELSEWHERE,
        )
    if model.split not in SPLITS:
        raise ModelUnusable(
            f"{path.name} splits text in a way ({model.split or 'sentencepiece'}) that is not rebuilt here.",
            ELSEWHERE,
        )
    return model


def convert(path: Path, folder: Path) -> None:
    """Write a GGUF file's model, tokenizer and chat template into a folder, as transformers loads them.

    Raises ModelUnusable, OSError.
    """
    source = read_gguf(path)
    _save_tokenizer(source, folder)
    _save_model(source, folder)
    for file in folder.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())


def _save_tokenizer(source: GgufModel, folder: Path) -> None:
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    found = AutoTokenizer.from_pretrained(source.path.parent, gguf_file=source.path.name)
    backend = found.backend_tokenizer
    backend.normalizer = None  # llama.cpp changes no letter
    if source.split == "smollm":
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    named = {
        f"{name}_token": source.tokens[source.special[name]]
        for name in ("bos", "eos", "pad")
        if name in source.special
    }
    plain: Any = PreTrainedTokenizerFast
    made = plain(
        tokenizer_object=backend,
        clean_up_tokenization_spaces=False,
        chat_template=found.chat_template,
        **named,
    )
    made.save_pretrained(folder)


def _save_model(source: GgufModel, folder: Path) -> None:
    import torch
    from transformers import GenerationConfig

    # At 16 bits the file is as large as what the hub has, half of float32. float16 and not bfloat16: its rounding
    # (2e-4 of a matrix) is an eighth of that, far below the error of the quantisation. It overflows at 65504, which
    # no weight of a language model should reach; where one does, all are kept in float32.
    model = _loaded(source, torch.float16)
    if not all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values()):
        model = _loaded(source, torch.float32)
        if not all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values()):
            raise ModelUnusable(f"{source.path.name} holds numbers that are not finite.", "Get it again.")
    _tie(source, model)
    # The weights are plain numbers now; save_pretrained refuses what bears the mark of a quantisation.
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.config.name_or_path = ""
    configuration: Any = GenerationConfig
    model.generation_config = configuration(
        eos_token_id=source.ends or None,
        bos_token_id=source.special.get("bos"),
        pad_token_id=source.special.get("pad"),
    )
    model.save_pretrained(folder)


def _loaded(source: GgufModel, dtype: Any) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.utils.quantization_config import GgufConfig

    file, causal, plain = source.path.name, AutoModelForCausalLM, GgufConfig
    loader: Any = causal
    configuration: Any = plain
    model, found = loader.from_pretrained(
        source.path.parent,
        gguf_file=file,
        dtype=dtype,
        quantization_config=configuration(gguf_file=file, dequantize=True),
        output_loading_info=True,
    )
    if found["missing_keys"]:
        missing = sorted(found["missing_keys"])
        raise ModelUnusable(
            f"{file} lacks {len(missing)} of the model's weights, such as {missing[0]}.",
            "Get the file again.",
        )
    return model


def _tie(source: GgufModel, model: Any) -> None:
    """Make the head and the embeddings one where they are two quantisations of one matrix; the finer one stays."""
    head, embeddings = source.tensors.get("output.weight"), source.tensors["token_embd.weight"]
    if head is None or head.shape != embeddings.shape:
        return
    import torch

    upper, lower = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    with torch.no_grad():
        apart = float((upper.float() - lower.float()).norm() / lower.float().norm())
        if apart > TIED_WITHIN:
            return
        if head.bits > embeddings.bits:
            lower.copy_(upper)
    model.config.tie_word_embeddings = True
    model.tie_weights()


def _in_a_process(path: Path, draft: Path, meter: Meter) -> None:
    """Run the conversion beside us. Raises what it refuses, and FetchStopped."""
    command = [sys.executable, "-P", "-m", __name__, str(path), str(draft)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    with (draft / LOG).open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment)
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(POLL_SECONDS)
                break
            meter.at(sum(entry.stat().st_size for entry in draft.iterdir()))
    except FetchStopped:
        process.kill()
        raise
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait()
    if code:
        raise _refusal(path, draft, code)


def _refusal(path: Path, draft: Path, code: int) -> ModelUnusable:
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads((draft / REFUSAL).read_text(encoding="utf-8"))
        return ModelUnusable(told["cause"], told["next_step"])
    if code == -9:
        return ModelUnusable(
            f"{path.name} could not be made into safetensors: the system ended the process, as it does when "
            "memory runs out.",
            "Free some memory, or train a smaller model.",
        )
    last = (draft / LOG).read_text(encoding="utf-8", errors="replace").strip().rsplit("\n", 1)[-1][-300:]
    if os.strerror(errno.ENOSPC) in last:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return ModelUnusable(f"{path.name} could not be made into safetensors: {last or code}", ELSEWHERE)


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


def main(arguments: Sequence[str]) -> int:
    """Convert; what is refused lies in the folder as JSON then."""
    path, folder = (Path(argument) for argument in arguments)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        convert(path, folder)
    except MetaclawError as error:
        told = {"cause": error.cause, "next_step": error.next_step}
        (folder / REFUSAL).write_text(json.dumps(told), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
