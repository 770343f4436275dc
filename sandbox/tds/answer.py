"""The answer to one request: the `Output` a session writes to."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.tds import tokens
from sandbox.tds.contract import Cancelled, Column, RpcParameter, SqlError
from sandbox.tds.encode import Encoder, encoder
from sandbox.tds.link import Link
from sandbox.tds.login import database_changed
from sandbox.tds.tokens import Change, Done

_SELECT = 0xC1
_CHANGES = {"begin": Change.BEGIN, "commit": Change.COMMIT, "rollback": Change.ROLLBACK}


@dataclass
class Surroundings:
    """What outlives one answer on a connection: its database and its transaction's descriptor."""

    database: str
    transaction: int = 0
    transactions_begun: int = 0


class Answer:
    """Collects tokens, sends them packet by packet, and finishes the message.

    The methods of `Output` are called from the session's worker thread; `cancel` and `finish` from
    the loop. Only whole tokens enter the buffer, so that an answer cut short by an Attention stays readable.
    """

    def __init__(self, link: Link, around: Surroundings, *, procedure: bool = False) -> None:
        self._link = link
        self._around = around
        self._end = Done.PROCEDURE if procedure else Done.STATEMENT
        self._loop = asyncio.get_running_loop()
        self._limit = max(link.room, 32_768)
        self._buffer = bytearray()
        self._held: tuple[Done, int, int | None, int] | None = None
        self._failed = False
        self._selecting = False
        self._encoders: list[Encoder] = []
        self._sending: concurrent.futures.Future[None] | None = None
        self._cancelled = threading.Event()
        self.attention = asyncio.Event()
        self.fatal = False
        self.attended = False

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """The client does not want the rest: every method raises `Cancelled` from now on."""
        self._cancelled.set()
        self.attention.set()

    def columns(self, columns: Sequence[Column]) -> None:
        self._encoders = [encoder(column.type) for column in columns]
        self._add(tokens.column_metadata(columns))
        self._selecting = True

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        encoders, cancelled = self._encoders, self._cancelled.is_set
        for row in rows:
            if cancelled():
                raise Cancelled
            pieces = [encode(value) for encode, value in zip(encoders, row, strict=True)]
            self._buffer += tokens.ROW + b"".join(pieces)
            if len(self._buffer) >= self._limit:
                self._flush()

    def done(self, count: int | None = None, *, in_procedure: bool = False, error: bool = False) -> None:
        self._hold(Done.IN_PROCEDURE if in_procedure else Done.STATEMENT, count, error=error)

    def error(self, error: SqlError) -> None:
        self._add(tokens.error(error))
        self._failed = True
        self.fatal = self.fatal or error.severity >= 20

    def info(self, message: SqlError) -> None:
        self._add(tokens.info(message))

    def return_status(self, status: int) -> None:
        self._add(tokens.return_status(status))

    def return_value(self, ordinal: int, parameter: RpcParameter) -> None:
        self._add(tokens.return_value(ordinal, parameter))

    def procedure_done(self) -> None:
        self._hold(Done.PROCEDURE, None)

    def transaction(self, change: str) -> None:
        """Tell the client of a transaction's begin or end; its descriptor comes back in every request."""
        around = self._around
        if change == "begin":
            around.transactions_begun += 1
            around.transaction = around.transactions_begun
            self._add(tokens.change_bytes(Change.BEGIN, around.transaction.to_bytes(8, "little")))
            return
        old = around.transaction.to_bytes(8, "little")
        around.transaction = 0
        self._add(tokens.change_bytes(_CHANGES[change], b"", old))

    def database(self, name: str) -> None:
        self._add(database_changed(name, self._around.database))
        self._around.database = name

    def fail(self, problem: SqlError) -> None:
        """End with an error that nobody sent yet."""
        self.error(problem)
        self._hold(self._end, None, error=True)

    def forget_unsent(self) -> None:
        """Throw away what no client has seen, unless a part of the answer is already on its way."""
        if self._sending is None:
            self._buffer.clear()
            self._held = None

    def forget_done(self) -> None:
        """Take back the DONE held for the next token."""
        self._held = None

    async def finish(self) -> None:
        """Send the rest. The last token is a DONE without the MORE bit, or the one that an Attention waits for."""
        if self.cancelled:
            self._release(tokens.MORE)
            self._buffer += tokens.done(Done.STATEMENT, tokens.ATTENTION, None)
            self.attended = True
        else:
            self._close()
        if self._sending:
            await asyncio.wrap_future(self._sending)
        await self._link.send(bytes(self._buffer), last=True)

    def _close(self) -> None:
        """Release the last DONE, adding one where the session gave none or none that ends a procedure."""
        open_procedure = self._end is Done.PROCEDURE and self._held and self._held[0] is Done.IN_PROCEDURE
        if self._held is None or open_procedure:
            self._release(tokens.MORE)
            self._held = (self._end, tokens.ERROR if self._failed else 0, None, 0)
        self._release(0)

    def _add(self, token: bytes) -> None:
        if self.cancelled:
            raise Cancelled
        self._release(tokens.MORE)
        self._buffer += token
        if len(self._buffer) >= self._limit:
            self._flush()

    def _hold(self, kind: Done, count: int | None, *, error: bool = False) -> None:
        if self.cancelled:
            raise Cancelled
        self._release(tokens.MORE)
        command = _SELECT if self._selecting else 0
        self._held = (kind, tokens.ERROR if error else 0, count, command)
        self._selecting = self._failed = False

    def _release(self, more: int) -> None:
        if self._held:
            kind, status, count, command = self._held
            self._buffer += tokens.done(kind, status | more, count, command)
            self._held = None

    def _flush(self) -> None:
        """Hand whole packets to the loop, once it has sent the ones before."""
        size = len(self._buffer) // self._link.room * self._link.room
        piece, self._buffer = bytes(self._buffer[:size]), self._buffer[size:]
        try:
            if self._sending:
                self._sending.result()
        except ConnectionError:
            raise Cancelled from None
        self._sending = asyncio.run_coroutine_threadsafe(self._link.send(piece, last=False), self._loop)
