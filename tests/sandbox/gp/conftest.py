"""One GP endpoint for the session, in a thread of its own because pymssql blocks."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pymssql
import pytest

from sandbox.gp.server import GpServer

if TYPE_CHECKING:
    from tests.sandbox.gp.records import World


class Endpoint:
    """The running server and what it announced."""

    def __init__(self, server: GpServer, announced: dict[str, object]) -> None:
        self.server = server
        self.announced = announced

    def connect(self, database: str = "TWO", user: str = "gp365", **options: object) -> pymssql.Connection:
        return pymssql.connect(
            server="127.0.0.1",
            port=str(self.announced["port"]),
            user=user,
            password=self.server.passwords[user],
            database=database,
            **options,
        )


@contextmanager
def open_folder() -> Iterator[Path]:
    """An empty folder outside pytest's own: every pytest that starts closes that one to other users, and under root
    PostgreSQL runs as one."""
    with TemporaryDirectory(prefix="gp-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.fixture(scope="session")
def gp() -> Iterator[Endpoint]:
    with open_folder() as made:
        yield from _serve(made)


def _serve(data: Path) -> Iterator[Endpoint]:
    server = GpServer(data)
    ready: Future[dict[str, object]] = Future()
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        try:
            ready.set_result(await server.start())
        except BaseException as error:
            ready.set_exception(error)
            raise
        await stopping.wait()
        await server.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    yield Endpoint(server, ready.result(timeout=60))
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()


@pytest.fixture
def connect(gp: Endpoint) -> Iterator[Callable[..., pymssql.Connection]]:
    """Opens connections that the test leaves open; what they left uncommitted is rolled back."""
    opened: list[pymssql.Connection] = []

    def open_one(*arguments: str, **options: object) -> pymssql.Connection:
        opened.append(gp.connect(*arguments, **options))
        return opened[-1]

    yield open_one
    gp.server.door.faults.clear()
    for connection in opened:
        connection.close()


@pytest.fixture
def two(connect: Callable[..., pymssql.Connection]) -> pymssql.Connection:
    """`sa` in TWO inside a transaction that the end of the test undoes."""
    return connect("TWO", "sa")


@pytest.fixture
async def world(gp: Endpoint) -> AsyncIterator["World"]:
    """A caller of GP365's own kind, and a customer that nobody else uses."""
    from tests.sandbox.gp.records import World

    world = World(gp)
    world.make()
    yield world
    gp.server.door.faults.clear()
    await world.client.close()
    world.forget()
