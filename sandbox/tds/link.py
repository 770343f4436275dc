"""Packets over one socket, in clear or inside TLS."""

import asyncio
import ssl
import struct
from collections.abc import Callable
from enum import IntEnum

from sandbox.tds.bits import ProtocolError

_HEADER = struct.Struct(">BBHHBB")
_LAST = 0x01
_IGNORE = 0x02


class Kind(IntEnum):
    """Message types of the packet header."""

    BATCH = 0x01
    RPC = 0x03
    ANSWER = 0x04
    ATTENTION = 0x06
    BULK = 0x07
    TRANSACTION = 0x0E
    LOGIN = 0x10
    PRELOGIN = 0x12


class Link:
    """Sends and receives whole messages. Used from the loop's thread only.

    `receive` raises `asyncio.IncompleteReadError` or `ConnectionError` when the client is gone and
    `ProtocolError` when it does not speak TDS; `send` raises `ConnectionError`.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        spid: int,
        sent: Callable[[int], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._spid = spid
        self._sent = sent
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._number = 0
        self.packet_size = 4096

    @property
    def room(self) -> int:
        """Bytes of a message that fit in one packet."""
        return self.packet_size - _HEADER.size

    async def receive(self) -> tuple[int, bytes]:
        """The next message: its type and its bytes. A message cut short by an Attention counts as the Attention."""
        parts: list[bytes] = []
        while True:
            kind, status, payload = await self._packet()
            parts.append(payload)
            if status & _LAST and status & _IGNORE:
                parts.clear()
            elif status & _LAST:
                return kind, b"".join(parts)

    async def send(self, payload: bytes, *, last: bool, kind: Kind = Kind.ANSWER) -> None:
        """Send bytes of an answer. Unless `last`, the length must be a multiple of `room`."""
        packets = bytearray()
        for start in range(0, max(len(payload), 1), self.room):
            piece = payload[start : start + self.room]
            status = _LAST if last and start + self.room >= len(payload) else 0
            self._number = self._number % 255 + 1
            packets += _HEADER.pack(kind, status, len(piece) + 8, self._spid & 0xFFFF, self._number, 0)
            packets += piece
        if last:
            self._number = 0
        self._sent(len(packets))
        await self._write(bytes(packets))

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands, the records wrapped in PRELOGIN packets, and encrypt from here on."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if records := self._outgoing.read():
                    await self.send(records, last=True, kind=Kind.PRELOGIN)
                self._incoming.write((await self.receive())[1])
        if records := self._outgoing.read():
            await self.send(records, last=True, kind=Kind.PRELOGIN)
        self._tls = tls

    def stop_tls(self) -> None:
        """Go back to clear text, as both sides do after a login that was the only thing to protect."""
        self._tls = None

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        """Close without waiting for a client that does not read."""
        self._writer.transport.abort()

    async def _packet(self) -> tuple[int, int, bytes]:
        kind, status, length, *_ = _HEADER.unpack(await self._read(_HEADER.size))
        if length < _HEADER.size:
            raise ProtocolError(f"a packet of {length} bytes")
        return kind, status, await self._read(length - _HEADER.size)

    async def _read(self, size: int) -> bytes:
        if self._tls is None:
            return await self._reader.readexactly(size)
        data = bytearray()
        while len(data) < size:
            try:
                piece = self._tls.read(size - len(data))
            except ssl.SSLWantReadError:
                self._incoming.write(await self._some(size))
                continue
            if not piece:
                raise asyncio.IncompleteReadError(bytes(data), size)
            data += piece
        return bytes(data)

    async def _some(self, wanted: int) -> bytes:
        if not (data := await self._reader.read(65536)):
            raise asyncio.IncompleteReadError(b"", wanted)
        return data

    async def _write(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._outgoing.read()
        self._writer.write(data)
        await self._writer.drain()
