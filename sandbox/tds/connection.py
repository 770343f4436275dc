"""One client's connection: login, then requests one after another, each run in the connection's own thread."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sandbox.door import Door, Fault
from sandbox.tds import login as opening
from sandbox.tds import tokens
from sandbox.tds.answer import Answer, Surroundings
from sandbox.tds.bits import NotImitated, ProtocolError
from sandbox.tds.contract import Engine, Session, SqlError
from sandbox.tds.link import Kind, Link
from sandbox.tds.requests import Calls, Load, Request, read_request
from sandbox.tds.work import explain, fail_on_purpose, interrupt, open_session, perform

_log = logging.getLogger(__name__)
_SEVERITIES = {1205: 13, 2601: 14, 2627: 14, 4060: 11, 18456: 14}
_INTERRUPT_EVERY = 0.2  # seconds: a session between two statements of its engine misses an interruption
_ATTENDED = tokens.done(tokens.Done.STATEMENT, tokens.ATTENTION, None)


class Dropped(ConnectionError):
    """The server itself cuts the connection."""


@dataclass
class Hall:
    """What all connections of a server share."""

    engine: Engine
    door: Door
    tls: opening.TlsMode
    certificate: ssl.SSLContext | None
    in_progress: int = 0
    most_at_once: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        self.in_progress += 1
        self.most_at_once = max(self.most_at_once, self.in_progress)
        try:
            yield
        finally:
            self.in_progress -= 1


class Connection:
    """Serves one client until it leaves, breaks the protocol, or is dropped by a fault."""

    def __init__(self, hall: Hall, link: Link, spid: int) -> None:
        self._hall = hall
        self._link = link
        self._spid = spid
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"tds-{spid}")
        self._session: Session | None = None
        self._around = Surroundings("master")
        self._gaps = hall.door.gaps
        self._before: Request | None = None
        self._busy = False

    async def serve(self) -> None:
        try:
            if await self._log_in():
                await self._serve_requests()
        except (ConnectionError, asyncio.IncompleteReadError, ProtocolError, ssl.SSLError) as error:
            _log.info("connection %s ended: %r", self._spid, error)
        finally:
            self._link.close()
            try:
                if self._session:
                    await self._in_worker(self._session.close)
            finally:
                self._worker.shutdown(wait=False)

    def abort(self) -> None:
        """End the connection at once; `serve` then stops its session and returns."""
        self._link.abort()

    async def _in_worker[**P, T](self, work: Callable[P, T], *args: P.args) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, *args)

    async def _log_in(self) -> bool:
        data = await self._receive_login()
        try:
            request = opening.read_login(data)
            await self._login_fault(request.login.user)
            self._session = await self._in_worker(open_session, self._hall.engine, request.login, self._gaps)
        except (SqlError, NotImitated) as error:
            await self._link.send(opening.login_refusal(explain(error, self._gaps)), last=True)
            return False
        self._around.database = request.login.database or "master"
        size = min(max(request.packet_size or 4096, 512), 32_767)
        await self._link.send(opening.login_answer(request, size, self._around.database), last=True)
        self._link.packet_size = size
        return True

    async def _receive_login(self) -> bytes:
        prelogin = await self._receive(Kind.PRELOGIN)
        encryption = opening.choose_encryption(self._hall.tls, opening.read_encryption(prelogin))
        await self._link.send(opening.prelogin_answer(encryption), last=True)
        if encryption != opening.NOT_SUPPORTED:
            await self._link.start_tls(self._hall.certificate)
        data = await self._receive(Kind.LOGIN)
        if encryption == opening.OFF:
            self._link.stop_tls()
        return data

    async def _receive(self, wanted: Kind) -> bytes:
        kind, data = await self._link.receive()
        if kind != wanted:
            raise ProtocolError(f"message type 0x{kind:02X} where {wanted.name} belongs")
        return data

    async def _login_fault(self, user: str) -> None:
        fault = self._hall.door.faults.take("tds.login", user)
        if fault is None:
            return
        if fault.do == "drop":
            raise Dropped("fault at tds.login")
        if fault.do == "error":
            raise _planned_error(fault)
        await _pause(fault.seconds, self._hall.stopping)

    async def _serve_requests(self) -> None:
        listening = asyncio.create_task(self._link.receive())
        try:
            while True:
                kind, data = await listening
                listening = asyncio.create_task(self._link.receive())
                if kind == Kind.ATTENTION:
                    await self._link.send(_ATTENDED, last=True)
                elif await self._serve_one(kind, data, listening):
                    listening = asyncio.create_task(self._link.receive())
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _serve_one(self, kind: int, data: bytes, listening: asyncio.Task[tuple[int, bytes]]) -> bool:
        """Answer one request, listening all the while for an Attention or the client's going.

        Returns whether the answer took care of an Attention.
        """
        answer = Answer(self._link, self._around, procedure=kind == Kind.RPC)
        working = asyncio.create_task(self._work(kind, data, answer))
        await asyncio.wait({working, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and _is_stop(listening):
            answer.cancel()
            if listening.exception():
                self._link.abort()
            await self._interrupt(working)
        await working
        if answer.fatal:
            raise Dropped("an error of severity 20 or more")
        return answer.attended and listening.exception() is None

    async def _interrupt(self, working: asyncio.Task[None]) -> None:
        while not working.done():
            if self._busy:
                await asyncio.to_thread(interrupt, self._session)
            await asyncio.wait({working}, timeout=_INTERRUPT_EVERY)

    async def _work(self, kind: int, data: bytes, answer: Answer) -> None:
        with self._hall.counted():
            try:
                request = read_request(kind, data, self._before)
                self._before = request
            except (ProtocolError, NotImitated) as error:
                answer.fail(explain(error, self._gaps))
            else:
                self._count(request)
                await self._run(request, answer)
            await answer.finish()

    async def _run(self, request: Request, answer: Answer) -> None:
        if await self._fault("tds.request", request.subject, answer):
            return
        self._busy = True
        try:
            await self._in_worker(perform, request, self._session, answer, self._gaps)
        finally:
            self._busy = False
        if not answer.cancelled:
            await self._fault("tds.answer", request.subject, answer)

    def _count(self, request: Request) -> None:
        kind = "bulk" if isinstance(request, Load) else "rpcs" if isinstance(request, Calls) else "batches"
        self._hall.door.counts.add("tds.requests")
        self._hall.door.counts.add(f"tds.{kind}")

    async def _fault(self, seam: str, subject: str, answer: Answer) -> bool:
        """Let a planned fault strike; returns whether it took the place of what was to come."""
        fault = self._hall.door.faults.take(seam, subject)
        if fault is None:
            return False
        if fault.do == "drop":
            raise Dropped(f"fault at {seam}")
        if fault.do == "delay":
            await _pause(fault.seconds, answer.attention)
            return answer.cancelled
        await self._in_worker(fail_on_purpose, _planned_error(fault), self._session, answer)
        return True


def _planned_error(fault: Fault) -> SqlError:
    return SqlError(fault.code or 50000, fault.text or "A planned fault.", severity=_SEVERITIES.get(fault.code, 16))


async def _pause(seconds: float, awake: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(awake.wait(), seconds)


def _is_stop(listening: asyncio.Task[tuple[int, bytes]]) -> bool:
    return listening.done() and (listening.exception() is not None or listening.result()[0] == Kind.ATTENTION)
