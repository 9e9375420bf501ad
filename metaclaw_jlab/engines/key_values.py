"""Keys and values of a batch whose rows come and go, in buffers that are written in place."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(slots=True)
class Window:
    """The part of the buffers in use: slots 0 to `rows`, columns `start` to `end`. Every row ends at `end`."""

    rows: int = 0
    start: int = 0
    end: int = 0

    @property
    def width(self) -> int:
        """Columns in use."""
        return self.end - self.start


class WindowLayer:
    """One layer's keys and values, each (slots, heads, columns, width of a head), in the place of a DynamicLayer.

    `update` writes the newest column behind the window's end instead of concatenating, which would copy everything
    at every step. The window itself is moved by its owner, once a step for all layers.
    """

    is_compileable = False
    is_initialized = True
    is_sliding = False

    def __init__(self, window: Window, keys: torch.Tensor, values: torch.Tensor) -> None:
        self.window = window
        self.key_buffer = _buffer(keys, 0, 0)
        self.value_buffer = _buffer(values, 0, 0)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one column and give the keys and values up to and with it."""
        window = self.window
        rows, start, end = window.rows, window.start, window.end
        self.key_buffer[:rows, :, end : end + 1] = key_states
        self.value_buffer[:rows, :, end : end + 1] = value_states
        return self.key_buffer[:rows, :, start : end + 1], self.value_buffer[:rows, :, start : end + 1]

    def get_seq_length(self) -> int:
        """Columns before the newest."""
        return self.window.width

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Columns that a mask spans, and its offset."""
        return self.window.width + query_length, 0

    def get_max_length(self) -> int:
        """No limit."""
        return -1

    def write(self, slot: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Put a row's prompt, (heads, columns, width), right before the window's end."""
        end = self.window.end
        self.key_buffer[slot, :, end - keys.shape[1] : end] = keys
        self.value_buffer[slot, :, end - values.shape[1] : end] = values

    def move(self, source: int, slot: int) -> None:
        """Copy one slot to another, the columns of the window only."""
        start, end = self.window.start, self.window.end
        self.key_buffer[slot, :, start:end] = self.key_buffer[source, :, start:end]
        self.value_buffer[slot, :, start:end] = self.value_buffer[source, :, start:end]

    def rebuild(self, slots: int, columns: int, end: int) -> None:
        """Take new buffers with the window's content moved so that it ends at column `end`."""
        window = self.window
        target = slice(end - window.width, end)
        for name in ("key_buffer", "value_buffer"):
            old = getattr(self, name)
            new = _buffer(old, slots, columns)
            new[: window.rows, :, target] = old[: window.rows, :, window.start : window.end]
            setattr(self, name, new)


def _buffer(like: torch.Tensor, slots: int, columns: int) -> torch.Tensor:
    # Zeros, because what is masked is still multiplied and a stray NaN would spread.
    return torch.zeros(slots, like.shape[1], columns, like.shape[3], dtype=like.dtype, device=like.device)
