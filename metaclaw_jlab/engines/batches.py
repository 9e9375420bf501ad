"""Rows that are decoded together: a rolling batch takes in newcomers between two steps, a closed one does not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from transformers import GenerationConfig
from transformers.cache_utils import DynamicCache, DynamicLayer

from metaclaw_jlab.engines.adapter_bank import AdapterBank, LoadedAdapter
from metaclaw_jlab.engines.key_values import Window, WindowLayer
from metaclaw_jlab.engines.rows import Parameters, Request, Row

COLUMN_STEP = 128  # buffers grow by so many columns


class RollingBatch:
    """A batch for models with plain key-value layers. Rows are padded on the left, so that all end together.

    `rows` and all logits, (rows, vocabulary), are in the same order. The mask is kept beside the buffers: a row's
    columns from its first one on are open for good, so that a step changes nothing in it. Rows with adapters need the
    model's bank.
    """

    def __init__(self, model: Any, bank: AdapterBank | None = None) -> None:
        self.rows: list[Row] = []
        self._bank = bank
        self._first: list[int] = []  # the column where each row begins
        self._model = model
        self._window = Window()
        self._layers: list[WindowLayer] = []
        self._cache: Any = DynamicCache()
        self._mask = torch.empty(0, 0)
        self._closed = torch.finfo(model.dtype).min  # added to a score it hides the column

    @property
    def width(self) -> int:
        """Columns in use: the length of the longest row."""
        return self._window.width

    def admit(self, newcomers: Sequence[Row]) -> torch.Tensor:
        """Read the newcomers, equal texts with one adapter once, append them to `rows`; logits of their next tokens."""
        texts = [(row.adapter, (*row.prompt, *row.tokens)) for row in newcomers]
        unique = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        with _adapted(self._bank, [adapter for adapter, _ in unique]):
            logits, layers = read(self._model, [text for _, text in unique])
        self._make_room(layers, len(newcomers), max(row.length for row in newcomers))
        for row, text in zip(newcomers, texts, strict=True):
            self._place(row, row.length, unique[text], layers)
        self._fit()
        return logits[[unique[text] for text in texts]]

    def advance(self) -> torch.Tensor:
        """Read the last token of every row; the logits of the next ones."""
        window, device = self._window, self._model.device
        if window.end == self._mask.shape[-1]:
            self._rebuild(window.rows, window.width)
        with _adapted(self._bank, [row.adapter for row in self.rows]):
            output = self._model(
                input_ids=torch.tensor([[row.tokens[-1]] for row in self.rows], device=device),
                attention_mask=self._mask[: window.rows, :, :, window.start : window.end + 1],
                position_ids=torch.tensor([[row.length - 1] for row in self.rows], device=device),
                past_key_values=self._cache,
                use_cache=True,
            )
        window.end += 1
        logits: torch.Tensor = output.logits[:, -1]
        return logits

    def remove(self, leaving: Iterable[Row]) -> None:
        """Let rows go; the last row fills the gap."""
        for row in leaving:
            slot, last = self.rows.index(row), len(self.rows) - 1
            if slot != last:
                for layer in self._layers:
                    layer.move(last, slot)
                self._mask[slot] = self._mask[last]
                self.rows[slot], self._first[slot] = self.rows[last], self._first[last]
            self.rows.pop()
            self._first.pop()
            self._window.rows -= 1
        self._fit()

    def _make_room(self, like: Sequence[Any], newcomers: int, length: int) -> None:
        window = self._window
        rows = window.rows + newcomers
        if not self._layers:
            self._layers = [WindowLayer(window, layer.keys, layer.values) for layer in like]
            self._cache = DynamicCache()
            self._cache.layers = self._layers
        if rows > self._mask.shape[0] or length > window.end:
            self._rebuild(rows, max(length, window.width))

    def _rebuild(self, rows: int, width: int) -> None:
        """New buffers for so many rows, with columns to grow into; the window then ends at column `width`."""
        window = self._window
        slots = 1 << (rows - 1).bit_length()
        columns = (width // COLUMN_STEP + 2) * COLUMN_STEP
        for layer in self._layers:
            layer.rebuild(slots, columns, width)
        self._first = [first - window.end + width for first in self._first]
        window.start, window.end = width - window.width, width
        shape = (slots, 1, 1, columns)
        self._mask = torch.full(shape, self._closed, dtype=self._model.dtype, device=self._model.device)
        for slot, first in enumerate(self._first):
            self._mask[slot, ..., first:] = 0

    def _place(self, row: Row, length: int, source: int, layers: Sequence[Any]) -> None:
        slot, first = self._window.rows, self._window.end - length
        for layer, filled in zip(self._layers, layers, strict=True):
            layer.write(slot, filled.keys[source, :, -length:], filled.values[source, :, -length:])
        self._mask[slot, ..., :first] = self._closed
        self._mask[slot, ..., first:] = 0
        self.rows.append(row)
        self._first.append(first)
        self._window.rows += 1

    def _fit(self) -> None:
        """Narrow the window to the longest row; let the buffers go with the last one."""
        if self.rows:
            self._window.start = min(self._first)
            return
        self._window.start = self._window.end = 0
        self._layers, self._cache, self._mask = [], DynamicCache(), torch.empty(0, 0)
        if self._bank is not None:
            self._bank.forget_rows()


def read(model: Any, texts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, list[Any]]:
    """Logits (texts, vocabulary) of the tokens after `texts`, and the layers of their keys and values."""
    ids, mask = _padded(model, texts)
    accepted = inspect.signature(model.forward).parameters
    more: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
    if "position_ids" in accepted:
        more["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)
    output = model(input_ids=ids, attention_mask=mask, use_cache=True, **more)
    return output.logits[:, -1], list(getattr(output.past_key_values, "layers", ()))


def decode_together(
    model: Any,
    rows: Sequence[Row],
    choose: Callable[[Sequence[Row], torch.Tensor], None],
    ending: Callable[[], bool],
    bank: AdapterBank | None = None,
) -> None:
    """A closed batch, for any model that can generate: `choose` appends one token to each row that it is given.

    Rows that are finished or cancelled are no longer given to it; their columns are computed until all are, or
    until `ending` is true.
    """
    ids, mask = _padded(model, [(*row.prompt, *row.tokens) for row in rows])

    def gone(row: Row) -> bool:
        return row.finished or row.cancelled

    def step(_: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        present = [i for i, row in enumerate(rows) if not gone(row)]
        if present:
            choose([rows[i] for i in present], logits[present])
        forced = torch.full_like(logits, float("-inf"))
        for i, row in enumerate(rows):
            forced[i, row.tokens[-1] if row.tokens else 0] = 0
        return forced

    def ended(ids: torch.Tensor, _: object, **__: object) -> torch.Tensor:
        return torch.tensor([ending() or gone(row) for row in rows], device=ids.device)

    configuration: Any = GenerationConfig
    with _adapted(bank, [row.adapter for row in rows]):
        model.generate(
            input_ids=ids,
            attention_mask=mask,
            generation_config=configuration(
                max_new_tokens=max(row.parameters.max_tokens - len(row.tokens) for row in rows),
                do_sample=False,
                pad_token_id=0,
            ),
            logits_processor=[step],
            stopping_criteria=[ended],
        )
    if bank is not None:
        bank.forget_rows()


def can_roll(model: Any) -> bool:
    """Whether a rolling batch gives what the model gives by itself, found out by trying.

    Sliding windows, state spaces and position biases that a mask of columns cannot express make it false.
    """
    parameters = inspect.signature(model.forward).parameters
    if not {"position_ids", "past_key_values", "attention_mask"} <= set(parameters):
        return False
    vocabulary = model.get_input_embeddings().num_embeddings
    short, long = ([(7 * i + start) % vocabulary for i in range(n)] for start, n in ((1, 3), (2, 6)))
    _, layers = read(model, [short])
    if not layers or any(type(layer) is not DynamicLayer for layer in layers):
        return False

    def row(text: list[int]) -> Row:
        return Row(Request((tuple(text),), Parameters(8), lambda _: None), tuple(text), 0, lambda _: "")

    batch, first, second = RollingBatch(model), row(short), row(long)
    batch.admit([first])
    first.tokens.append(long[0])
    batch.advance()
    first.tokens.append(long[1])
    batch.admit([second])
    second.tokens.append(short[0])
    together = batch.advance().float()
    alone = torch.cat([read(model, [(*one.prompt, *one.tokens)])[0] for one in batch.rows]).float()
    tolerance = 1e-3 if model.dtype == torch.float32 else 5e-2
    return bool((together - alone).abs().max() <= tolerance * alone.std().clamp(min=1e-3))


def _adapted(
    bank: AdapterBank | None, adapters: Sequence[LoadedAdapter | None]
) -> AbstractContextManager[None]:
    if bank is not None:
        return bank.rows(adapters)
    if any(adapter is not None for adapter in adapters):
        raise ValueError("Rows with adapters need the bank that loaded them.")
    return nullcontext()


def _padded(model: Any, texts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, texts))
    ids = torch.tensor([[*([0] * (width - len(text))), *text] for text in texts], device=model.device)
    starts = torch.tensor([[width - len(text)] for text in texts], device=model.device)
    return ids, (torch.arange(width, device=model.device) >= starts).long()
