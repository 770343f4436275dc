"""Gathers what comes at about the same time, so that it is worked together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress


class Gathering[T, R]:
    """Each batch waits `window` seconds from its first item on, or until it holds `most`; then for the batch before it, for
    `patience` seconds at most: what is slow gets fewer and larger batches. `work` gives one result per item, in order;
    what it raises, every caller of the batch gets.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], window: float, most: int, patience: float
    ) -> None:
        self._work = work
        self._window = window
        self._most = most
        self._patience = patience
        self._batch = _Batch[T, R]()
        self._last: asyncio.Task[Sequence[R]] | None = None

    async def add(self, item: T) -> R:
        """Have one item worked with its neighbours; its result."""
        batch = self._batch
        place = len(batch.items)
        batch.items.append(item)
        if batch.task is None:
            self._last = batch.task = asyncio.create_task(self._go(batch, self._last))
        if len(batch.items) == self._most:
            self._close(batch)
        # A caller who leaves takes nobody's work along.
        return (await asyncio.shield(batch.task))[place]

    async def _go(self, batch: "_Batch[T, R]", before: asyncio.Task[Sequence[R]] | None) -> Sequence[R]:
        with suppress(TimeoutError):
            await asyncio.wait_for(batch.full.wait(), self._window)
        if before:
            await asyncio.wait({before}, timeout=self._patience)
        self._close(batch)
        return await self._work(batch.items)

    def _close(self, batch: "_Batch[T, R]") -> None:
        batch.full.set()
        if self._batch is batch:
            self._batch = _Batch()


class _Batch[T, R]:
    def __init__(self) -> None:
        self.items: list[T] = []
        self.full = asyncio.Event()
        self.task: asyncio.Task[Sequence[R]] | None = None
