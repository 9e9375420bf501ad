"""Tiny models with random weights, as folders on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.store.serving import ServingCause

torch.set_num_threads(1)  # threads that wait for each other make tiny models slow on a busy machine

END, USER, ASSISTANT = "<|end|>", "<|user|>", "<|assistant|>"
TEMPLATE = (
    "{% for m in messages %}<|user|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def save_tokenizer(folder: Path, *, template: str | None = TEMPLATE) -> int:
    """One token a byte and three special ones; the size of the vocabulary."""
    from transformers import PreTrainedTokenizerFast

    vocabulary = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary |= {mark: len(vocabulary) + i for i, mark in enumerate((END, USER, ASSISTANT))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, additional_special_tokens=[USER, ASSISTANT]
    )
    fast.chat_template = template
    fast.save_pretrained(folder)
    return len(vocabulary)


def architecture(kind: str, vocabulary: int) -> Any:
    """A tiny model whose answers depend on the whole prompt: with the usual small weights they would not."""
    import transformers as t

    torch.manual_seed(7)
    common = {"vocab_size": vocabulary, "bos_token_id": None, "eos_token_id": 256, "pad_token_id": None}
    deep = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "initializer_range": 0.4,
    }
    if kind == "qwen3":
        return t.Qwen3ForCausalLM(t.Qwen3Config(**common, **deep, head_dim=8))
    if kind == "llama":
        return t.LlamaForCausalLM(t.LlamaConfig(**common, **deep))
    if kind == "mistral":
        return t.MistralForCausalLM(t.MistralConfig(**common, **deep, sliding_window=8))
    if kind == "gpt2":
        gpt2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "initializer_range": 0.4}
        return t.GPT2LMHeadModel(t.GPT2Config(**common, **gpt2))
    if kind == "bloom":
        bloom = {"hidden_size": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.4}
        return t.BloomForCausalLM(t.BloomConfig(**common, **bloom))
    raise ValueError(kind)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with a model of this kind, made once."""
    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp(kind)
            architecture(kind, save_tokenizer(made[kind])).save_pretrained(made[kind])
        return made[kind]

    return folder


@pytest.fixture(scope="session")
def served_model(model_folder: Callable[[str], Path]) -> Callable[[str], Any]:
    """A loaded model of this kind."""
    from metaclaw_jlab.engines.local_models import load

    loaded: dict[str, Any] = {}

    def served(kind: str) -> Any:
        if kind not in loaded:
            loaded[kind] = load(str(model_folder(kind)))
        return loaded[kind]

    return served


@pytest.fixture(scope="session")
def greedy_alone() -> Callable[..., list[int]]:
    """What a model says by itself, without any cache: the reference."""

    def answer(model: Any, prompt: list[int], tokens: int) -> list[int]:
        text = list(prompt)
        with torch.inference_mode():
            for _ in range(tokens):
                text.append(int(model(input_ids=torch.tensor([text])).logits[0, -1].argmax()))
        return text[len(prompt) :]

    return answer


TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture(scope="session")
def save_adapter(model_folder: Callable[[str], Path]) -> Callable[..., Path]:
    """Writes an adapter with random weights, strong enough to change what a tiny model says, as training would."""
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM

    from metaclaw_jlab.engines.adapter_card import CONFIG, WEIGHTS, AdapterCard, write_card
    from metaclaw_jlab.engines.base_identity import base_sha256, file_sha256

    def save(
        folder: Path,
        kind: str = "qwen3",
        *,
        version: int = 1,
        rank: int = 4,
        targets: tuple[str, ...] = TARGETS,
        strength: float = 0.1,
        change: Callable[[dict[str, torch.Tensor]], None] = lambda _: None,
        base: str | None = None,
        **config: object,
    ) -> Path:
        causal: Any = AutoModelForCausalLM
        model = causal.from_pretrained(model_folder(kind))
        drawn = torch.Generator().manual_seed(version)
        tensors = {}
        for name, module in model.named_modules():
            if name.endswith(targets):
                shape = module.weight.shape
                outputs, inputs = shape if isinstance(module, torch.nn.Linear) else (shape[1], shape[0])
                key = f"base_model.model.{name}.lora"
                tensors[f"{key}_A.weight"] = torch.randn(rank, inputs, generator=drawn) * strength
                tensors[f"{key}_B.weight"] = torch.randn(outputs, rank, generator=drawn)
        change(tensors)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / WEIGHTS)
        plain = {
            "peft_type": "LORA",
            "r": rank,
            "lora_alpha": 2 * rank,
            "target_modules": list(targets),
            "bias": "none",
        }
        (folder / CONFIG).write_text(json.dumps(plain | config))
        sha256 = file_sha256(folder / WEIGHTS)
        place = model_folder(kind)
        write_card(folder, AdapterCard(version, base or str(place), base_sha256(place), 0, sha256))
        return folder

    return save


class Shelf:
    """A home whose store has adapters for the tiny model."""

    def __init__(self, home: Home, save: Callable[..., Path]) -> None:
        from metaclaw_jlab.store.adapters import Adapters
        from metaclaw_jlab.store.database import open_database
        from metaclaw_jlab.store.serving import Serving

        self.home = home
        self.database = open_database(home.database)
        self.serving = Serving(self.database)
        self._adapters = Adapters(self.database)
        self._save = save

    def candidate(self, **options: Any) -> int:
        """A trained adapter that nobody has decided on; its version."""
        from metaclaw_jlab.engines.adapter_card import WEIGHTS
        from metaclaw_jlab.engines.base_identity import file_sha256

        draft = self._save(self.home.adapters / "candidates" / "new", version=self._next(), **options)
        made = self._adapters.add("tiny", file_sha256(draft / WEIGHTS), 0)
        draft.rename(draft.with_name(f"v{made.version}"))
        return made.version

    def publish(self, **options: Any) -> int:
        """An adapter that may serve; its version."""
        version = self.candidate(**options)
        self._adapters.decide(version, AdapterStatus.FORCED, "A test wants it.")
        (self.home.adapters / "candidates" / f"v{version}").rename(self.folder(version))
        return version

    def serve(self, version: int | None) -> None:
        """Have the store say that a version serves, or the base."""
        cause = ServingCause.FORCE if version else ServingCause.ROLLBACK
        self.serving.put(version, cause, "A test wants it.")

    def folder(self, version: int) -> Path:
        """Where a published version lies."""
        return self.home.adapters / f"v{version}"

    def _next(self) -> int:
        recent = self._adapters.recent(1)
        return recent[0].version + 1 if recent else 1


@pytest.fixture
def shelf(tmp_path: Path, save_adapter: Callable[..., Path]) -> Iterator[Shelf]:
    """A home with a store, and a way to put adapters into it."""
    found = Shelf(open_home(tmp_path / "home"), save_adapter)
    yield found
    found.database.close()


SPOKEN = """import pandas as pd\nframe = pd.read_csv('sales.csv')  # the file\ntotal = frame['price'].sum()
print(total, 12345, "it's", 'weil es über Größe geht')\nfor i in range(10):\n    if i % 2 == 0:\n        print(i)\n"""
MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SPOKEN_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _learned_tokens() -> tuple[list[str], list[str]]:
    """Tokens and merges of a small byte-level vocabulary, the marks first."""
    from tokenizers import trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=380, special_tokens=list(MARKS), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([SPOKEN] * 4, trainer)
    learned = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
    return tokens, [one if isinstance(one, str) else " ".join(one) for one in learned["merges"]]


def _spoken_model(kind: str, vocabulary: int, tied: bool) -> Any:
    import transformers as t

    torch.manual_seed(11)
    sizes: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "initializer_range": 0.2,
        "tie_word_embeddings": tied,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
    }
    if kind == "llama":
        return t.LlamaForCausalLM(t.LlamaConfig(**sizes)).eval()
    model = t.Qwen2ForCausalLM(t.Qwen2Config(**sizes)).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def _write_gguf(path: Path, model: Any, pre: str, *, tied: bool, head_noise: float) -> None:
    """A model as GGUF in float32, its queries and keys in the order that llama.cpp wants."""
    import gguf

    config, kind = model.config, model.config.model_type
    tokens, merges = _learned_tokens()
    writer = gguf.GGUFWriter(path, kind)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    kinds = [gguf.TokenType.CONTROL] * len(MARKS) + [gguf.TokenType.NORMAL] * (len(tokens) - len(MARKS))
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(SPOKEN_TEMPLATE)
    known = next(arch for arch, name in gguf.MODEL_ARCH_NAMES.items() if name == kind)
    names = gguf.get_tensor_name_map(known, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        if tied and name == "lm_head.weight":
            continue
        rows = tensor.detach().numpy()
        if head_noise and name == "lm_head.weight":
            rows = rows * (1 + head_noise)
        elif head_noise and name == "model.embed_tokens.weight":
            rows = rows.astype("float16")
        if kind == "llama" and ("q_proj" in name or "k_proj" in name):
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            rows = rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
        writer.add_tensor(
            names.get_name(name, (".weight", ".bias")), rows if head_noise else rows.astype("float32")
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="session")
def spoken_gguf(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Any, Path]]:
    """A tiny llama or qwen2 with a learned vocabulary, and the same weights as a GGUF file in float32.

    `head_noise` stores a tied head a second time, that much larger and finer, as files of two quantisations have it.
    """
    made: dict[tuple[object, ...], tuple[Any, Path]] = {}

    def pair(kind: str, pre: str = "", *, tied: bool = True, head_noise: float = 0.0) -> tuple[Any, Path]:
        wanted = pre or {"llama": "smollm", "qwen2": "qwen2"}[kind]
        key = (kind, wanted, tied, head_noise)
        if key not in made:
            model = _spoken_model(kind, len(_learned_tokens()[0]), tied)
            path = tmp_path_factory.mktemp(f"gguf-{kind}") / "tiny.gguf"
            _write_gguf(path, model, wanted, tied=tied and not head_noise, head_noise=head_noise)
            made[key] = (model, path)
        return made[key]

    return pair


@pytest.fixture
def llama_cpp() -> Iterator[Callable[..., Callable[..., Any]]]:
    """Loads a GGUF file in llama.cpp, exact to float32; what it gives posts a JSON body to a path."""
    import urllib.request

    import xllamacpp

    held: list[Any] = []

    def serve(path: Path, *, adapter: Path | None = None, context: int = 2048) -> Callable[..., Any]:
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx, params.n_parallel, params.n_batch = context, 1, 512
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.port, params.hostnames, params.api_keys = 0, ["127.0.0.1"], ["key"]
        params.warmup = False
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        if adapter is not None:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
        server = xllamacpp.Server(params)
        held.append(server)

        def post(where: str, **body: object) -> Any:
            request = urllib.request.Request(
                server.listening_address + where,
                json.dumps(body).encode(),
                {"Content-Type": "application/json", "Authorization": "Bearer key"},
            )
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.loads(answer.read())

        return post

    yield serve
    held.clear()
