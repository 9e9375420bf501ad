import re
import subprocess
import sys

import pytest

from metaclaw_jlab.policies.catalogue import MODELS, CatalogueModel, find


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_in_wheels_is_held_to_a_hash(model: CatalogueModel) -> None:
    assert model.gguf.wheels is None or re.fullmatch("[0-9a-f]{64}", model.gguf.sha256 or "")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_what_can_be_trained_says_from_what_and_in_how_much(model: CatalogueModel) -> None:
    assert set(model.trains_from) <= set(model.forms)
    assert bool(model.trains_from) == (model.training_bytes is not None)


def test_names_are_found_in_capitals_too() -> None:
    found = find("Qwen2.5-Coder-0.5B")
    assert found is not None
    assert found.name == "qwen2.5-coder-0.5b"


def test_memory_grows_with_the_tokens_up_to_the_context() -> None:
    (model,) = (model for model in MODELS if model.name == "smollm2-135m")
    assert model.memory(tokens=8192) - model.memory(tokens=4096) == 4096 * model.token_bytes
    assert model.memory(tokens=1 << 20) == model.memory(tokens=model.context)


def test_parts_are_in_the_order_of_their_numbers() -> None:
    (model,) = (model for model in MODELS if model.name == "qwen2.5-coder-1.5b")
    assert model.gguf.wheels is not None
    assert [name.rpartition("part")[2] for name in model.gguf.wheels.distributions] == [
        str(number) for number in range(1, 23)
    ]


def test_the_catalogue_and_the_store_are_light() -> None:
    code = (
        "import sys, metaclaw_jlab.policies.model_store;"
        "print([m for m in ('torch', 'httpx', 'httpx2', 'openai', 'transformers', 'sqlalchemy', 'numpy')"
        " if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
