"""The owner thread of the model: a fair queue, and one decode loop for all requests together."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil
import torch

from metaclaw_jlab.engines.adapter_bank import AdapterBank, LoadedAdapter
from metaclaw_jlab.engines.batches import RollingBatch, decode_together
from metaclaw_jlab.engines.local_models import LocalModel
from metaclaw_jlab.engines.rows import Request, Row, rows_of
from metaclaw_jlab.engines.sampling import next_tokens, scores

_log = logging.getLogger(__name__)
PREFILL_TOKENS = 8192  # newcomers read before the running rows take their next step
MEMORY_SHARE = 0.4  # of what is free: buffers are copied when they grow


@dataclass(slots=True, eq=False)
class Ticket:
    """A submitted request, by which it can be cancelled."""

    rows: list[Row]
    waiting: deque[Row] = field(default_factory=deque)


class Decoder:
    """Decodes requests on a thread of its own, the only one that touches the model.

    Rows of different requests share a batch; requests take turns in filling it, so that a large one delays no other.
    `most_columns` bounds rows times the longest row, in tokens; what the memory holds where it is None. `bank` has the
    adapters of the model; requests name theirs by what it loaded, and a batch may hold rows of several.
    """

    def __init__(
        self,
        served: LocalModel,
        *,
        max_batch: int = 32,
        threads: int | None = None,
        most_columns: int | None = None,
        bank: AdapterBank | None = None,
    ) -> None:
        self._served = served
        self._bank = bank
        self._max_batch = max_batch
        self._threads = threads
        self._queue: deque[Ticket] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._batch = RollingBatch(served.model, bank)
        self._together: list[Row] = []
        self._most_columns = most_columns or _most_columns(served)
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> Ticket:
        """Queue a request; what it yields goes to `request.deliver`."""
        rows = rows_of(request, self._served.decode)
        ticket = Ticket(rows, deque(rows))
        with self._changed:
            if self._closing:
                for row in rows:
                    row.fail("The policy server is ending.")
                return ticket
            self._queue.append(ticket)
            self._changed.notify()
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Let a request go; its rows leave before the next step."""
        with self._changed:
            for row in ticket.rows:
                row.cancelled = True
            if ticket in self._queue:
                self._queue.remove(ticket)
            self._changed.notify()

    @property
    def running(self) -> int:
        """Rows in the batch."""
        return len(self._batch.rows) + sum(not row.finished for row in self._together)

    @property
    def waiting(self) -> int:
        """Rows that are not yet in it."""
        with self._changed:
            return sum(len(ticket.waiting) for ticket in self._queue)

    def close(self) -> None:
        """End the thread; what is not finished fails."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        if self._threads:
            torch.set_num_threads(self._threads)
        with torch.inference_mode():
            while not self._closing:
                newcomers = self._next_rows()
                if newcomers and not self._served.rolling:
                    self._decode_closed(newcomers)
                elif newcomers:
                    self._admit(newcomers)
                if self._batch.rows:
                    self._step()
        with self._changed:
            left = [*self._batch.rows, *(row for ticket in self._queue for row in ticket.waiting)]
            self._queue.clear()
        for row in left:
            row.fail("The policy server is ending.")

    def _next_rows(self) -> list[Row]:
        """Rows for the places that are free, one of each request in turn. Waits while there is nothing to do."""
        with self._changed:
            while not (self._queue or self._batch.rows or self._closing):
                self._changed.wait()
            chosen: list[Row] = []
            unread: set[tuple[LoadedAdapter | None, tuple[int, ...]]] = set()
            width = self._batch.width
            while self._queue and len(self._batch.rows) + len(chosen) < self._max_batch:
                row = self._queue[0].waiting[0]
                fresh = unread | {(row.adapter, row.prompt)}
                rows = len(self._batch.rows) + len(chosen) + 1
                width = max(width, row.length)
                if (chosen or self._batch.rows) and (
                    rows * width > self._most_columns
                    or (chosen and len(fresh) * max(len(prompt) for _, prompt in fresh) > PREFILL_TOKENS)
                ):
                    break
                unread = fresh
                chosen.append(self._take_turn())
            return chosen

    def _take_turn(self) -> Row:
        ticket = self._queue.popleft()
        row = ticket.waiting.popleft()
        if ticket.waiting:
            self._queue.append(ticket)
        return row

    def _admit(self, newcomers: list[Row]) -> None:
        present = [row for row in newcomers if not row.cancelled]
        if not present:
            return
        try:
            logits = self._batch.admit(present)
            self._choose(present, logits)
        except Exception as error:  # noqa: BLE001 - the loop outlives a request
            self._give_up(present, error)
        self._sweep()

    def _step(self) -> None:
        self._sweep()
        self._shrink()
        rows = list(self._batch.rows)
        if not rows:
            return
        try:
            logits = self._batch.advance()
            self._choose(rows, logits)
        except Exception as error:  # noqa: BLE001 - the loop outlives a request
            self._give_up(rows, error)
        self._sweep()

    def _decode_closed(self, rows: list[Row]) -> None:
        self._together = [row for row in rows if not row.cancelled]
        try:
            if self._together:
                decode_together(
                    self._served.model, self._together, self._choose, lambda: self._closing, self._bank
                )
        except Exception as error:  # noqa: BLE001 - the loop outlives a request
            self._give_up(self._together, error)
        for row in self._together:
            if not row.cancelled:
                row.fail("The policy server is ending.")
        self._together = []

    def _choose(self, rows: Sequence[Row], logits: torch.Tensor) -> None:
        """Give every row its next token."""
        tokens = next_tokens(rows, logits)
        found = scores(rows, logits, tokens)
        for i, row in enumerate(rows):
            row.take(tokens[i], found[i] if found else None, self._served.eos)

    def _sweep(self) -> None:
        leaving = [row for row in self._batch.rows if row.finished or row.cancelled]
        if leaving:
            self._batch.remove(leaving)

    def _shrink(self) -> None:
        """Send rows back to the queue where the batch has outgrown the memory; they go on later where they were."""
        batch = self._batch
        while len(batch.rows) > 1 and len(batch.rows) * (batch.width + 1) > self._most_columns:
            row = batch.rows[-1]
            batch.remove([row])
            with self._changed:
                self._queue.append(Ticket([row], deque([row])))

    def _give_up(self, rows: Sequence[Row], error: Exception) -> None:
        _log.exception("decoding failed")
        if isinstance(error, torch.OutOfMemoryError):
            sentence = "The memory does not hold this request. Send a shorter one, or fewer at a time."
        else:
            sentence = f"Decoding failed: {type(error).__name__}: {error}"
        known = set(self._batch.rows)
        self._batch.remove([row for row in rows if row in known])
        for row in rows:
            row.fail(sentence)


def _most_columns(served: LocalModel) -> int:
    """How many tokens of keys and values the free memory holds, but at least one full context."""
    if served.model.device.type == "cuda":
        free = torch.cuda.mem_get_info(served.model.device)[0]
    else:
        free = psutil.virtual_memory().available
    return max(served.context, int(free * MEMORY_SHARE) // max(1, served.token_bytes))
