"""Service protection limits: requests, execution time and concurrency of a user on one web server."""

import math
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.dataverse.errors import DataverseError

REQUESTS, SECONDS, CONCURRENT = 6000, 1200.0, 52


@dataclass
class _Bucket:
    """What one user did on one server within the window: (end of the entry, its execution time)."""

    entries: deque[tuple[float, float]] = field(default_factory=deque)
    seconds: float = 0
    running: int = 0
    refused: int = 0

    def forget(self, before: float) -> None:
        while self.entries and self.entries[0][0] <= before:
            self.seconds -= self.entries.popleft()[1]


@dataclass
class Limits:
    """The limits of every user; `scale` multiplies them, `window` is the sliding time in seconds.

    A client that ignores Retry-After is told to wait longer each time.
    """

    scale: float = 1
    window: float = 300
    servers: int = 1
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, int], _Bucket] = field(default_factory=dict)

    def server(self, affinity: str | None) -> int:
        """The server of an affinity cookie, one at random without a cookie."""
        known = affinity is not None and affinity.isdigit() and int(affinity) < self.servers
        return int(affinity) if known and affinity is not None else random.randrange(self.servers)

    def enter(self, user: str, server: int) -> None:
        """Count a request in. Raises DataverseError: 429 when a limit is passed; then `leave` is not due."""
        bucket = self._bucket(user, server)
        most = self._most(CONCURRENT)
        if bucket.running + 1 > most:
            raise self._refuse(bucket, "0x80072326", f"Number of concurrent requests exceeded the limit of {most}.", 1)
        most = self._most(REQUESTS)
        if len(bucket.entries) + bucket.running + 1 > most:
            text = f"Number of requests exceeded the limit of {most} over time window of {self.window:.0f} seconds."
            raise self._refuse(bucket, "0x80072322", text, self._wait(bucket))
        if bucket.seconds > SECONDS * self.scale:
            limit = f"{SECONDS * self.scale * 1000:,.0f}"
            text = (
                f"Combined execution time of incoming requests exceeded limit of {limit} milliseconds over time "
                f"window of {self.window:.0f} seconds. Decrease number of concurrent requests or reduce the "
                "duration of requests and try again later."
            )
            raise self._refuse(bucket, "0x80072321", text, self._wait(bucket))
        bucket.running += 1
        bucket.refused = 0

    def leave(self, user: str, server: int, seconds: float) -> None:
        """Count a request out that ran so many seconds."""
        bucket = self._bucket(user, server)
        bucket.running -= 1
        bucket.seconds += seconds
        bucket.entries.append((self.clock(), seconds))

    def left(self, user: str, server: int) -> tuple[int, float]:
        """Requests and seconds of execution left in the window."""
        bucket = self._bucket(user, server)
        requests = self._most(REQUESTS) - len(bucket.entries) - bucket.running
        return max(0, requests), max(0.0, SECONDS * self.scale - bucket.seconds)

    def _most(self, limit: int) -> int:
        return max(1, int(limit * self.scale))

    def _bucket(self, user: str, server: int) -> _Bucket:
        bucket = self._buckets.setdefault((user, server), _Bucket())
        bucket.forget(self.clock() - self.window)
        return bucket

    def _wait(self, bucket: _Bucket) -> float:
        oldest = bucket.entries[0][0] if bucket.entries else self.clock()
        return oldest + self.window - self.clock()

    def _refuse(self, bucket: _Bucket, code: str, text: str, wait: float) -> DataverseError:
        bucket.refused += 1
        seconds = min(max(1, math.ceil(wait)) + bucket.refused // 10, int(self.window) or 1)
        return DataverseError(429, code, text, {"Retry-After": str(seconds)})
