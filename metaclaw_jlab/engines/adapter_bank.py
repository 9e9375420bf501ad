"""Adapters over one model in memory, another one for each row of a batch. The base's weights stay as they are."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch.nn.functional import linear

from metaclaw_jlab.engines.adapter_weights import Expected, Factors, Layer, read_adapter

# Within a mixture of experts tokens leave their rows, and an adapter could not follow them.
_EXPERTS = re.compile(r"(^|\.)experts(\.|$)")
_numbers = itertools.count()


class _Added(NamedTuple):
    """What is added to a layer now. `hidden` (rows, 1, ranks) is true where a direction is not the row's own."""

    down: torch.Tensor
    up: torch.Tensor
    hidden: torch.Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class LoadedAdapter:
    """An adapter in memory. Whoever holds it can decode with it, also after the bank has let it go."""

    name: str
    factors: Mapping[str, Factors]
    number: int = field(default_factory=lambda: next(_numbers))


@dataclass(frozen=True, slots=True)
class _Mixture:
    """The factors of several adapters side by side; `ranks` are those of each adapter in a layer, 0 for none."""

    adapters: tuple[LoadedAdapter, ...]
    layers: Mapping[str, tuple[torch.Tensor, torch.Tensor, tuple[int, ...]]]


_NOTHING: Mapping[str, _Added] = MappingProxyType({})


class AdapterBank:
    """The adapters of one model, by names.

    Any thread may load, look up and unload. `rows` belongs to the thread that owns the model. A layer is touched when
    an adapter is first used; `close` leaves the model as it was.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._modules = _linear_modules(model)
        self._layers = {name: _layer(model, module) for name, module in self._modules.items()}
        self._loaded: dict[str, LoadedAdapter] = {}
        self._lock = threading.Lock()
        self._added: Mapping[str, _Added] = _NOTHING
        self._rows: tuple[LoadedAdapter | None, ...] = ()
        self._of_rows: Mapping[str, _Added] = _NOTHING
        self._mixture: _Mixture | None = None
        self._before: dict[str, Callable[..., Any] | None] = {}

    def load(self, name: str, folder: Path, expected: Expected | None = None) -> LoadedAdapter:
        """Read an adapter's folder and keep it under a name, in the place of what had it. Raises AdapterRefused."""
        made = LoadedAdapter(name, read_adapter(folder, self._layers, expected))
        with self._lock:
            self._loaded[name] = made
        return made

    def get(self, name: str) -> LoadedAdapter | None:
        """The adapter of a name, where it is loaded."""
        return self._loaded.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is loaded."""
        with self._lock:
            return tuple(self._loaded)

    def unload(self, name: str) -> None:
        """Let an adapter go. Rows that have it keep it to their ends."""
        with self._lock:
            self._loaded.pop(name, None)

    @contextmanager
    def rows(self, adapters: Sequence[LoadedAdapter | None]) -> Iterator[None]:
        """Inside, the model computes row i of every batch with `adapters[i]`, None being the base alone."""
        wanted = tuple(adapters)
        if wanted != self._rows:
            self._of_rows = self._bind(wanted)
            self._rows = wanted
        self._added = self._of_rows
        try:
            yield
        finally:
            self._added = _NOTHING

    def forget_rows(self) -> None:
        """Keep nothing of the rows that were computed last, so that unloaded adapters leave the memory."""
        self._rows, self._of_rows = (), _NOTHING
        self._drop_mixture()

    def close(self) -> None:
        """Let all adapters go, and give the model its own layers back."""
        with self._lock:
            self._loaded.clear()
        self._mixture = None
        self.forget_rows()
        for name, before in self._before.items():
            module = self._modules[name]
            if before is None:
                del module.forward
            else:
                module.forward = before
        self._before.clear()

    def _bind(self, rows: tuple[LoadedAdapter | None, ...]) -> Mapping[str, _Added]:
        present = sorted({one for one in rows if one is not None}, key=lambda one: one.number)
        for adapter in present:
            for name in adapter.factors:
                if name not in self._before:
                    self._open(name)
        if len(present) < 2:
            self._drop_mixture()
        if not present:
            return _NOTHING
        if len(present) == 1 and None not in rows:
            return {name: _Added(one.down, one.up, None) for name, one in present[0].factors.items()}
        mixture = self._mixed(tuple(present))
        own = torch.tensor([[one is adapter for adapter in present] for one in rows])
        layouts = {ranks for _, _, ranks in mixture.layers.values()}
        hidden = {ranks: _hidden(own, ranks, self._model.device) for ranks in layouts}
        return {name: _Added(down, up, hidden[ranks]) for name, (down, up, ranks) in mixture.layers.items()}

    def _drop_mixture(self) -> None:
        """Let a mixture go that holds what is no longer loaded."""
        mixture = self._mixture
        if mixture is not None and any(self._loaded.get(one.name) is not one for one in mixture.adapters):
            self._mixture = None

    def _mixed(self, adapters: tuple[LoadedAdapter, ...]) -> _Mixture:
        if self._mixture is None or self._mixture.adapters != adapters:
            names = dict.fromkeys(name for adapter in adapters for name in adapter.factors)
            self._mixture = _Mixture(adapters, {name: _side_by_side(name, adapters) for name in names})
        return self._mixture

    def _open(self, name: str) -> None:
        """Let a layer add what its rows have. It stays in its place and keeps its weights and name."""
        module = self._modules[name]
        self._before[name] = module.__dict__.get("forward")
        plain = module.forward

        def forward(inputs: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = plain(inputs)
            added = self._added.get(name)
            if added is None:
                return output
            down, up, hidden = added
            inner = linear(inputs, down)
            if hidden is not None:
                if len(hidden) != len(inputs) or inputs.dim() != 3:
                    raise RuntimeError(
                        f"{name} does not see the rows of a batch one by one: use one adapter a batch."
                    )
                # Filled, not multiplied by 0: what overflows in one row must not reach another.
                inner = inner.masked_fill(hidden, 0)
            return output + linear(inner, up)

        module.forward = forward


def _linear_modules(model: Any) -> dict[str, Any]:
    from transformers.pytorch_utils import Conv1D

    kinds = (torch.nn.Linear, Conv1D)
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, kinds) and not _EXPERTS.search(name)
    }


def _layer(model: Any, module: Any) -> Layer:
    if isinstance(module, torch.nn.Linear):
        inputs, outputs = module.in_features, module.out_features
    else:
        inputs, outputs = module.weight.shape
    weight = module.weight
    dtype = (
        weight.dtype if weight.dtype.is_floating_point else model.dtype
    )  # quantised weights are no numbers
    return Layer(inputs, outputs, dtype, weight.device)


def _side_by_side(
    name: str, adapters: Sequence[LoadedAdapter]
) -> tuple[torch.Tensor, torch.Tensor, tuple[int, ...]]:
    parts = [adapter.factors.get(name) for adapter in adapters]
    present = [part for part in parts if part is not None]
    ranks = tuple(0 if part is None else part.rank for part in parts)
    if len(present) == 1:
        return present[0].down, present[0].up, ranks
    return torch.cat([part.down for part in present]), torch.cat([part.up for part in present], 1), ranks


def _hidden(own: torch.Tensor, ranks: tuple[int, ...], device: torch.device) -> torch.Tensor:
    columns = own.repeat_interleave(torch.tensor(ranks), dim=1)
    return (~columns).unsqueeze(1).to(device)
