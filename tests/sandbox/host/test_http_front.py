import asyncio

import httpx
import pytest
from aiohttp import web

from sandbox.host import http_front, protos
from sandbox.host.functions import Function
from sandbox.host.http_front import HttpFront
from sandbox.host.keys import Keys
from sandbox.host.worker import Answer


class Slow:
    """Invocations that end when the test says so."""

    def __init__(self):
        self.go, self.ended = asyncio.Event(), False

    async def run(self, *_):
        await self.go.wait()
        self.ended = True
        return Answer()


@pytest.fixture
async def slow():
    return Slow()


@pytest.fixture
async def front(slow):
    trigger = {"type": "httpTrigger", "name": "req", "authLevel": "ANONYMOUS", "route": "slow"}
    return HttpFront(
        functions=[Function("slow", "id", trigger)],
        prefix="",
        keys=Keys("master", "function"),
        host_id="h",
        invocations=slow,
        types=protos.load(),
        run_now={},
    )


@pytest.fixture
async def client(front):
    runner = web.AppRunner(front.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}") as client:
        yield client
    await runner.cleanup()


async def test_a_response_that_takes_too_long_is_given_up_and_the_function_runs_on(monkeypatch, client, front, slow):
    monkeypatch.setattr(http_front, "RESPONSE_LIMIT", 0)
    assert (await client.get("/slow")).status_code == 504
    slow.go.set()
    await front.drained()
    assert slow.ended


async def test_nothing_returned_is_204(client, slow):
    slow.go.set()
    assert (await client.get("/slow")).status_code == 204
