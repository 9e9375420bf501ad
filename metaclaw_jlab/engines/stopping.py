"""Stopping work on a model at any moment: in generation, scoring, forward or backward."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
POLL_SECONDS = 0.02


class Stopped(BaseException):
    """The work was told to stop. No Exception, so that nothing takes it for a failure and goes on."""


class StopFlag:
    """Set once, from any thread; work that sees it ends with Stopped."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Tell the work to stop."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether it was told to."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, but no longer than this; whether it is."""
        return self._event.wait(seconds)

    def check(self) -> None:
        """Raise Stopped where it is set."""
        if self._event.is_set():
            raise Stopped

    def finished(self, futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
        """Work on other threads as it is finished. Raises Stopped without waiting for the rest."""
        left = set(futures)
        while left:
            self.check()
            done, left = wait(left, POLL_SECONDS, FIRST_COMPLETED)
            yield from done
        self.check()

    def results(self, futures: Iterable[Future[T]]) -> list[T]:
        """What other threads found, in order. Raises what one of them raises, and Stopped without waiting for them."""
        ordered = list(futures)
        for future in self.finished(ordered):
            future.result()
        return [future.result() for future in ordered]


@contextmanager
def stop_inside(model: Any, flag: StopFlag) -> Iterator[None]:
    """Within it every forward and backward pass through the model raises Stopped soon after the flag is set.

    It is looked at when the model or one of its layers begins, and when a gradient reaches the end of a layer; what
    is between two looks is one layer's work.
    """
    with ExitStack() as hooks:
        for module in _layers(model):
            hooks.callback(module.register_forward_pre_hook(_before(flag)).remove)
            hooks.callback(module.register_forward_hook(_after(flag)).remove)
        yield


def _layers(model: Any) -> list[torch.nn.Module]:
    """The model itself and the members of its lists of layers, as deep as they go."""
    import torch

    found: dict[int, torch.nn.Module] = {id(model): model}
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList):
            found.update((id(layer), layer) for layer in module)
    return list(found.values())


def _before(flag: StopFlag) -> Any:
    def look(*_: object) -> None:
        flag.check()

    return look


def _after(flag: StopFlag) -> Any:
    def look(gradient: torch.Tensor) -> None:  # noqa: ARG001 - what autograd passes
        flag.check()

    def watch(_: object, __: object, output: object) -> None:
        for tensor in _tensors(output):
            if tensor.requires_grad:
                tensor.register_hook(look)  # type: ignore[no-untyped-call]

    return watch


def _tensors(output: object) -> Iterator[torch.Tensor]:
    import torch

    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, tuple):
        for part in output:
            yield from _tensors(part)
    elif isinstance(logits := getattr(output, "logits", None), torch.Tensor):
        yield logits
