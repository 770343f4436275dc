"""How long the host waits: its fixed times, scaled, and its back-off while a queue is idle."""

import asyncio
import random

LEAST, RESTING = 0.1, 0.5
"""Seconds between two looks at a queue: a host that asks a busy one, or one long empty, more often keeps a laptop busy with
nothing else.
"""


class Pace:
    """The host's own times multiplied by `scale` (1 as in Azure). Seconds everywhere."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def seconds(self, real: float) -> float:
        return real * self.scale

    def looks(self, shortest: float, longest: float) -> "Backoff":
        """Between looks at a queue: not less than LEAST and RESTING, whatever the scale."""
        return Backoff(max(LEAST, self.seconds(shortest)), max(min(RESTING, longest), self.seconds(longest)))

    def whole(self, real: float) -> int:
        """For the storage service, which takes whole seconds: at least 1 unless it is 0."""
        return max(1, round(real * self.scale)) if real else 0


class Backoff:
    """Randomised exponential back-off: `shortest` first, then growing by powers of two, up to `longest`.

    Source: RandomizedExponentialBackoffStrategy of azure-webjobs-sdk (jitter of 20 % either way).
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = shortest
        self._longest = max(shortest, longest)
        self._failures = 0

    def reset(self) -> None:
        self._failures = 0

    def next(self) -> float:
        self._failures += 1
        if self._failures == 1:
            return self._shortest
        # Bounded exponent: past it the longest delay has long been reached.
        growth = self._shortest * 2 ** min(self._failures - 2, 32)
        return min(self._shortest + growth * random.uniform(0.8, 1.2), self._longest)


async def first_of(*events: asyncio.Event, seconds: float) -> bool:
    """Whether one of the events came, before or within `seconds`."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(tasks, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()
