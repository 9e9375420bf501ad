"""Reads LoRA adapters in PEFT's format, without PEFT, and refuses what would not compute what was trained."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from metaclaw_jlab.core.errors import AdapterRefused
from metaclaw_jlab.engines.adapter_card import CONFIG, WEIGHTS, read_card

# Entries of adapter_config.json that change nothing in how its weights are used, whatever they hold.
HARMLESS = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "ensure_weight_tying",
        "eva_config",
        "fan_in_fan_out",
        "inference_mode",
        "lora_dropout",
        "loftq_config",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
        "runtime_config",
        "task_type",
    }
)
READ = frozenset(
    {
        "alpha_pattern",
        "bias",
        "exclude_modules",
        "init_lora_weights",
        "layers_pattern",
        "layers_to_transform",
        "lora_alpha",
        "peft_type",
        "r",
        "rank_pattern",
        "target_modules",
        "use_rslora",
    }
)
# Ways to begin that leave the base model's weights as they are; others (pissa, olora, loftq ...) replace them.
INNOCENT_BEGINNINGS = (True, False, None, "gaussian", "orthogonal", "eva")
_KEY = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<part>[AB])\.weight")
_AGAIN = "Train again, or put its files back."


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer of a model: how wide it is, and of what kind its numbers are."""

    inputs: int
    outputs: int
    dtype: torch.dtype
    device: torch.device


@dataclass(frozen=True, slots=True)
class Factors:
    """What an adapter adds to a layer: `up @ down @ x`; down (rank, inputs), up (outputs, rank), already scaled."""

    down: torch.Tensor
    up: torch.Tensor

    @property
    def rank(self) -> int:
        """How many directions."""
        return self.down.shape[0]


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of an adapter from elsewhere. `base_sha256` is asked only once the card has been read."""

    base: str
    base_sha256: Callable[[], str]
    version: int
    sha256: str | None = None


def read_adapter(
    folder: Path, layers: Mapping[str, Layer], expected: Expected | None = None
) -> dict[str, Factors]:
    """An adapter's factors by the layers' names, ready to multiply. Raises AdapterRefused.

    With `expected` the folder must have a card that agrees with it. The checksum is of the very bytes that are used.
    """
    raw = _bytes(folder / WEIGHTS)
    if expected is not None:
        _check_card(folder, raw, expected)
    config = _config(folder)
    tensors = _tensors(folder, raw)
    found = _by_layer(folder, tensors)
    _check_targets(folder, config, set(found), layers)
    return {
        name: _factors(f"{name} of {folder.name}", config, name, parts, layers[name])
        for name, parts in found.items()
    }


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AdapterRefused(f"{path} cannot be read ({error.strerror}).", _AGAIN) from error


def _check_card(folder: Path, raw: bytes, expected: Expected) -> None:
    card = read_card(folder)
    found = hashlib.sha256(raw).hexdigest()
    if found != card.sha256 or (expected.sha256 is not None and found != expected.sha256):
        raise AdapterRefused(
            f"The weights in {folder} are not those that were published: {WEIGHTS} has another checksum.",
            _AGAIN,
        )
    if card.version != expected.version:
        raise AdapterRefused(f"{folder} holds version {card.version}, not {expected.version}.", _AGAIN)
    if card.base_sha256 == expected.base_sha256():
        return
    if card.base == expected.base:
        raise AdapterRefused(
            f"The base model {card.base} has changed since version {card.version} was trained.",
            "Put the old files of the base model back, or train again on the new ones.",
        )
    raise AdapterRefused(
        f"Version {card.version} was trained for {card.base}, and {expected.base} is served here.",
        f"Serve {card.base}, or train an adapter for {expected.base}.",
    )


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        kind = config["peft_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterRefused(
            f"{folder / CONFIG} cannot be read ({type(error).__name__}: {error}).", _AGAIN
        ) from error
    plain = "Train a plain LoRA: no bias, no DoRA, no other modules."
    if kind != "LORA":
        raise AdapterRefused(f"{folder.name} is an adapter of type {kind}; only LORA is served.", plain)
    if config.get("bias", "none") != "none":
        raise AdapterRefused(f"{folder.name} trains biases, which is not served.", plain)
    if config.get("init_lora_weights", True) not in INNOCENT_BEGINNINGS:
        beginning = config["init_lora_weights"]
        raise AdapterRefused(
            f"{folder.name} was begun by {beginning}, which changes the base model's own weights.", plain
        )
    for name in sorted(set(config) - HARMLESS - READ):
        if config[name]:
            raise AdapterRefused(f"{folder.name} uses {name}, which is not served here.", plain)
    if not isinstance(config.get("r"), int) or config["r"] < 1:
        raise AdapterRefused(f"{folder / CONFIG} names no rank.", _AGAIN)
    return dict(config)


def _tensors(folder: Path, raw: bytes) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        found: dict[str, torch.Tensor] = load(raw)
    except (SafetensorError, ValueError, KeyError) as error:
        raise AdapterRefused(f"{folder / WEIGHTS} is damaged or cut off ({error}).", _AGAIN) from error
    return found


def _by_layer(folder: Path, tensors: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        match = _KEY.fullmatch(key)
        if match is None:
            raise AdapterRefused(
                f"{folder / WEIGHTS} holds {key}, which is no part of a linear layer's LoRA.",
                "Train linear layers only.",
            )
        found.setdefault(match["layer"], {})[match["part"]] = tensor
    if not found:
        raise AdapterRefused(f"{folder / WEIGHTS} is empty.", _AGAIN)
    return found


def _check_targets(
    folder: Path, config: Mapping[str, Any], found: set[str], layers: Mapping[str, Layer]
) -> None:
    """The tensors, the configuration and the model must speak of the same layers."""
    advice = "Train on the model that is served here, with target modules that it has."
    if strange := sorted(found - set(layers)):
        raise AdapterRefused(
            f"{folder.name} changes {len(strange)} layers that the model does not have or that cannot be served row "
            f"by row, such as {strange[0]}.",
            advice,
        )
    targets = config.get("target_modules")
    if targets is None or targets == "all-linear":
        return
    if isinstance(targets, str):
        wanted = {name for name in layers if re.fullmatch(targets, name)}
    else:
        for target in targets:
            if not any(name == target or name.endswith(f".{target}") for name in layers):
                raise AdapterRefused(
                    f"{folder.name} wants to change {target}, which the model does not have.", advice
                )
        wanted = {name for name in layers if any(name == one or name.endswith(f".{one}") for one in targets)}
    narrowed = any(config.get(name) for name in ("exclude_modules", "layers_to_transform", "layers_pattern"))
    differing = sorted(found - wanted if narrowed else found ^ wanted)
    if differing:
        raise AdapterRefused(
            f"The weights of {folder.name} and its {CONFIG} differ in their target modules, such as {differing[0]}.",
            _AGAIN,
        )


def _factors(
    where: str, config: Mapping[str, Any], name: str, parts: Mapping[str, torch.Tensor], layer: Layer
) -> Factors:
    if set(parts) != {"A", "B"}:
        raise AdapterRefused(f"Of {where} only one of two parts is there.", _AGAIN)
    down, up = parts["A"], parts["B"]
    rank = _of_pattern(config.get("rank_pattern"), name, config["r"])
    if tuple(down.shape) != (rank, layer.inputs) or tuple(up.shape) != (layer.outputs, rank):
        raise AdapterRefused(
            f"{where} has the shapes {tuple(down.shape)} and {tuple(up.shape)}; with rank {rank} the model wants "
            f"{(rank, layer.inputs)} and {(layer.outputs, rank)}.",
            "Train on the model that is served here, or put the adapter's own configuration back.",
        )
    alpha = _of_pattern(config.get("alpha_pattern"), name, config.get("lora_alpha", rank))
    scale = alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank
    made = Factors(
        down.to(layer.device, layer.dtype).contiguous(),
        (up.float() * scale).to(layer.device, layer.dtype).contiguous(),
    )
    if not (made.down.isfinite().all() and made.up.isfinite().all()):
        raise AdapterRefused(
            f"{where} has numbers that are not finite.", "The training went wrong: train again."
        )
    return made


def _of_pattern(patterns: object, name: str, default: Any) -> Any:
    """The value of the pattern that a layer's name ends with, as PEFT matches them."""
    if isinstance(patterns, Mapping):
        for pattern, value in patterns.items():
            if re.fullmatch(rf"(.*\.)?({pattern})", name):
                return value
    return default
