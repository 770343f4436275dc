"""The TDS endpoint: accepts connections and serves each with sessions of an engine."""

import asyncio
import itertools

from aiohttp import web

from sandbox.door import Door
from sandbox.tds.connection import Connection, Hall
from sandbox.tds.contract import Engine
from sandbox.tds.link import Link
from sandbox.tds.login import TlsMode
from sandbox.tds.tls import server_context


class TdsServer:
    """A TDS 7.4 server in front of `engine`.

    `tls`: "off" (clear text only), "login" (as SQL Server out of the box: the login is encrypted, everything is for
    clients that ask), "required" (everything is encrypted).

    Seams for faults: `tds.login` (subject: the user), `tds.request` (before a request runs; subject: its text or
    procedure), `tds.answer` (after the work was done, before the answer is sent; of an answer over 32 KiB the first
    part may be on its way). `door` gains the route `GET|DELETE /concurrency`, so make the server before `door.start()`.
    Counts: tds.connections, .requests, .batches, .rpcs, .bulk, .bytes_out.
    """

    def __init__(self, engine: Engine, door: Door, *, tls: TlsMode = "login") -> None:
        self._hall = Hall(engine, door, tls, None if tls == "off" else server_context())
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._spids = itertools.count(51)
        self._server: asyncio.Server | None = None
        door.routes.get("/concurrency")(self._concurrency)
        door.routes.delete("/concurrency")(self._forget)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port. Raises `OSError` when the port is taken."""
        self._server = await asyncio.start_server(self._accept, host, port)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, cut every connection, and wait until their sessions are closed."""
        self._hall.stopping.set()
        if self._server:
            self._server.close()
        for connection in self._connections.values():
            connection.abort()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counts = self._hall.door.counts
        counts.add("tds.connections")
        spid = next(self._spids)
        link = Link(reader, writer, spid, lambda size: counts.add("tds.bytes_out", size))
        connection = Connection(self._hall, link, spid)
        task = asyncio.current_task()
        assert task
        self._connections[task] = connection
        try:
            await connection.serve()
        finally:
            del self._connections[task]

    async def _concurrency(self, _: web.Request) -> web.Response:
        """`tds.most_at_once`: the most requests in progress together since the last DELETE; `tds.in_progress`: now."""
        hall = self._hall
        return web.json_response({"tds.most_at_once": hall.most_at_once, "tds.in_progress": hall.in_progress})

    async def _forget(self, _: web.Request) -> web.Response:
        self._hall.most_at_once = self._hall.in_progress
        return web.json_response({})
