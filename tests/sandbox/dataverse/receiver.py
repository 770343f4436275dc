"""A webhook receiver on a loopback port that keeps what it is sent and answers as told."""

import asyncio
import json
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class Webhook:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self):
        return json.loads(self.raw)

    @property
    def target(self):
        """The attributes of the target by name."""
        return attributes(parameter(self.body, "Target"))


class Receiver:
    """Answers with the `statuses` in turn, then with 200; while `gate` is clear it does not answer."""

    def __init__(self):
        self.got = []
        self.statuses = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.called = asyncio.Event()
        self.during = None

    async def start(self):
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{tail:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self):
        self.gate.set()
        await self._runner.cleanup()

    async def _take(self, request):
        self.got.append(
            Webhook(request.path_qs, {k.lower(): v for k, v in request.headers.items()}, await request.read())
        )
        self.called.set()
        if self.during:
            await self.during()
        await self.gate.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else None)

    def told(self):
        """Message and columns of what came: `("Update", {"name", "accountid"})`."""
        return [(hook.body["MessageName"], hook.body["PrimaryEntityName"]) for hook in self.got]


def parameter(body, name):
    return next(item["value"] for item in body["InputParameters"] if item["key"] == name)


def attributes(entity):
    return {item["key"]: item["value"] for item in entity["Attributes"]}


def image(body, which, alias):
    """The attributes of an image by name, None when there is no such image."""
    return next((attributes(item["value"]) for item in body[f"{which}EntityImages"] if item["key"] == alias), None)
