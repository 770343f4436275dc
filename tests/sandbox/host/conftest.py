import asyncio
import base64
import json
import os
import signal
import uuid
from pathlib import Path

import httpx
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from sandbox.child import Child
from sandbox.door import Door
from sandbox.storage.server import Storage

APPS = Path(__file__).parent / "apps"


class Running:
    """A host process and what a test asks of it."""

    def __init__(self, child):
        self.child, self.said = child, child.ready
        self.http = httpx.AsyncClient(base_url=self.said["url"], timeout=30)
        self.admin = httpx.AsyncClient(base_url=self.said["admin"], timeout=60)

    async def invocations(self, function, status="", count=1, match=""):
        """The newest first, once there are `count` of them."""
        query = {"function": function, "status": status, "match": match, "count": count, "seconds": 20}
        found = (await self.admin.get("/invocations", params=query)).json()
        assert len(found) >= count, f"{found}\n{self.child.last_words()}"
        return found

    async def fault(self, at, do, **more):
        assert (await self.admin.post("/faults", json={"at": at, "do": do, **more})).status_code == 201

    async def counts(self):
        return (await self.admin.get("/counts")).json()

    async def run_by_hand(self, function, text=""):
        headers = {"x-functions-key": self.said["master_key"]}
        return await self.http.post(f"/admin/functions/{function}", json={"input": text}, headers=headers)

    def terminate(self):
        os.kill(self.child.pid, signal.SIGTERM)

    async def close(self):
        await self.http.aclose()
        await self.admin.aclose()
        await self.child.stop()


class Queue:
    """A queue of the test's own, whose messages are base64 as the host wants them."""

    def __init__(self, service, name):
        self.name, self.client = name, service.get_queue_client(name)

    async def put(self, text):
        return await self.client.send_message(base64.b64encode(text.encode()).decode())

    async def peek(self):
        try:
            return await self.client.peek_messages(max_messages=32)
        except ResourceNotFoundError:
            return []

    async def contents(self, count):
        """What the `count` messages hold that come to lie there."""

        async def enough():
            found = await self.peek()
            return found if len(found) >= count else None

        return [each.content for each in await eventually(enough)]

    async def texts(self, count):
        return [base64.b64decode(content).decode() for content in await self.contents(count)]

    async def emptied(self):
        async def empty():
            return (await self.client.get_queue_properties()).approximate_message_count == 0

        await eventually(empty)


async def eventually(check):
    """The first true answer of `check`; the storage service has no event to wait for."""
    async with asyncio.timeout(20):
        while not (answer := await check()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return answer


@pytest.fixture(scope="session")
async def connection(tmp_path_factory):
    storage = Storage(tmp_path_factory.mktemp("storage"), Door("storage"))
    yield await storage.start()
    await storage.stop()


@pytest.fixture(scope="session")
async def queue_named(connection):
    async with QueueServiceClient.from_connection_string(connection) as service:
        yield lambda name: Queue(service, name)


@pytest.fixture
async def hosts(connection):
    async with BlobServiceClient.from_connection_string(connection) as service:
        yield service.get_container_client("azure-webjobs-hosts")


@pytest.fixture
async def queue(queue_named):
    queue = queue_named(f"in-{uuid.uuid4()}")
    await queue.client.create_queue()
    return queue


@pytest.fixture
def seen(queue_named, queue):
    return queue_named(f"{queue.name}-seen")


@pytest.fixture
def poison(queue_named, queue):
    return queue_named(f"{queue.name}-poison")


@pytest.fixture(scope="session")
async def launch(connection, tmp_path_factory):
    """Starts hosts; those still running at the end of the session are stopped."""
    running = []

    async def start(app, settings=None, *options, scale=0.1):
        folder = tmp_path_factory.mktemp("host")
        values = {"AzureWebJobsStorage": connection, **(settings or {})}
        (folder / "settings.json").write_text(json.dumps({"Values": values}))
        arguments = ["--app", str(APPS / app), "--settings", str(folder / "settings.json")]
        child = Child("host", "sandbox.host", [*arguments, "--time-scale", str(scale), *options], folder / "log")
        await child.start()
        running.append(Running(child))
        return running[-1]

    yield start
    await asyncio.gather(*(host.close() for host in running))


@pytest.fixture
async def start_queues(launch, queue):
    """Starts a host of the app `queues` on this test's queue, stopped when the test ends."""
    started = []

    async def start(*options, scale=0.1, **settings):
        host = await launch("queues", {"IN_QUEUE": queue.name, **settings}, *options, scale=scale)
        started.append(host)
        return host

    yield start
    await asyncio.gather(*(host.close() for host in started))


@pytest.fixture
async def start_timers(launch):
    """Starts a host of the app `timers`, stopped when the test ends."""
    started = []

    async def start(schedule, *options, scale=0.01):
        started.append(await launch("timers", {"SCHEDULE": schedule}, *options, scale=scale))
        return started[-1]

    yield start
    await asyncio.gather(*(host.close() for host in started))
