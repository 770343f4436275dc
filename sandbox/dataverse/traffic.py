"""The requests of late and how many were in progress together, for whoever counts instead of timing."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from aiohttp import web

from sandbox.door import Door

KEPT = 1000
SHOWN = 3000
"""Characters of a subject."""


@dataclass
class Request:
    """One request. `began` and `ended` number all beginnings and ends in their order; 0: not ended yet."""

    subject: str
    bytes: int
    began: int
    ended: int = 0


class Traffic:
    """Adds `GET|DELETE /concurrency` and `GET /requests` to the door."""

    def __init__(self, door: Door) -> None:
        self.most_at_once = self.in_progress = 0
        self._events = 0
        self._requests: deque[Request] = deque(maxlen=KEPT)
        door.routes.get("/concurrency")(self._concurrency)
        door.routes.delete("/concurrency")(self._forget)
        door.routes.get("/requests")(self._list)

    @contextmanager
    def passing(self, subject: str, size: int) -> Iterator[None]:
        """Note one request from its coming to its answer."""
        request = Request(subject[:SHOWN], size, self._next())
        self._requests.append(request)
        self.in_progress += 1
        self.most_at_once = max(self.most_at_once, self.in_progress)
        try:
            yield
        finally:
            self.in_progress -= 1
            request.ended = self._next()

    def _next(self) -> int:
        self._events += 1
        return self._events

    async def _concurrency(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"dataverse.most_at_once": self.most_at_once, "dataverse.in_progress": self.in_progress}
        )

    async def _forget(self, _: web.Request) -> web.Response:
        self.most_at_once = self.in_progress
        return web.json_response({})

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(request) for request in self._requests])
