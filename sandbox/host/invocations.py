"""One place through which every invocation goes: faults, time limit, outputs, record."""

import asyncio
import contextlib
import logging
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.door import Door
from sandbox.host.functions import Function
from sandbox.host.worker import Answer, Worker

BEFORE, AFTER = "host.invoke.before", "host.invoke.after"
KILLED, TIMED_OUT = 137, 124
log = logging.getLogger("host")

Write = Callable[[Function, Answer], Awaitable[None]]


@dataclass(frozen=True)
class Record:
    """What became of one invocation; `status` is running, ok or failed, times in seconds and UTC."""

    id: str
    function: str
    subject: str
    started: str
    status: str = "running"
    seconds: float = 0.0
    exception: str = ""


class Invocations:
    """Runs functions and remembers the last 1,000 invocations. `limit` is functionTimeout in seconds."""

    def __init__(self, worker: Worker, door: Door, write: Write, limit: float | None) -> None:
        self._worker = worker
        self._door = door
        self._write = write
        self._watchdog = Watchdog(limit)
        self._records: dict[str, Record] = {}
        self._order: deque[str] = deque()
        self._changed = asyncio.Event()

    async def run(
        self,
        function: Function,
        data: Any,
        subject: str,
        metadata: Mapping[str, Any] | None = None,
        retry: Any = None,
    ) -> Answer:
        """Invoke `function` on its trigger's TypedData; failures of outputs are failures of the invocation.

        `subject` is what faults match besides the function's name: the message, the URL.
        """
        started = datetime.now(UTC).isoformat()
        record = Record(str(uuid.uuid4()), function.name, subject[:200], started)
        self._keep(record)
        request = ({function.trigger["name"]: data}, metadata or {}, retry)
        began = time.monotonic()
        with self._watchdog.watching(function.name):
            answer = await self._attempt(function, record.id, f"{function.name} {subject}", request)
        took = round(time.monotonic() - began, 4)
        status = "failed" if answer.error else "ok"
        self._keep(replace(record, status=status, seconds=took, exception=answer.error))
        self._door.counts.add(f"invocations.{function.name}.{status}")
        if answer.error:
            log.error("%s failed (%s): %s\n%s", function.name, record.id, answer.error, answer.trace)
        return answer

    def function_of(self, invocation_id: str) -> str:
        """The name of the function that `invocation_id` runs, empty when it is not known."""
        record = self._records.get(invocation_id)
        return record.function if record else ""

    async def find(self, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        """The newest invocations with this `function` and `status` whose subject holds `match` (empty: any).

        Waits up to `seconds` until there are `count` of them.
        """
        count = int(wanted.get("count", 0))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(wanted.get("seconds", 0))):
                while len(self._matching(wanted)) < count:
                    await self._changed.wait()
        return [asdict(record) for record in self._matching(wanted)]

    async def _attempt(
        self, function: Function, invocation_id: str, subject: str, request: tuple[Any, Any, Any]
    ) -> Answer:
        if error := await self._strike(BEFORE, subject):
            return Answer(error)
        answer = await self._worker.invoke(function.id, invocation_id, *request)
        if answer.error:
            return answer
        try:
            await self._write(function, answer)
        except Exception as error:
            return Answer(f"{type(error).__name__}: {error}")
        if error := await self._strike(AFTER, subject):
            return Answer(error)
        return answer

    async def _strike(self, at: str, subject: str) -> str:
        fault = self._door.faults.take(at, subject)
        if fault and fault.do == "drop":
            os._exit(KILLED)
        if fault and fault.do == "delay":
            await asyncio.sleep(fault.seconds)
        return fault.text or f"injected at {at}" if fault and fault.do == "error" else ""

    def _matching(self, wanted: Mapping[str, str]) -> list[Record]:
        function, status, match = (wanted.get(name, "") for name in ("function", "status", "match"))
        newest_first = (self._records[each] for each in reversed(self._order))
        return [
            record
            for record in newest_first
            if function in ("", record.function) and status in ("", record.status) and match in record.subject
        ]

    def _keep(self, record: Record) -> None:
        if record.id not in self._records:
            self._order.append(record.id)
            if len(self._order) > 1000:
                del self._records[self._order.popleft()]
        self._records[record.id] = record
        self._changed.set()
        self._changed = asyncio.Event()


class Watchdog:
    """Ends the process when an invocation runs longer than `limit` seconds, as the host ends its worker.

    A thread, since a function that blocks the event loop must be caught too. Nothing gentler would do: a
    synchronous function can't be cancelled, and what else is running dies with a worker in Azure as well.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._running: dict[object, tuple[str, float]] = {}
        if limit is not None:
            threading.Thread(target=self._watch, daemon=True).start()

    @contextlib.contextmanager
    def watching(self, name: str) -> Any:
        key = object()
        self._running[key] = (name, time.monotonic())
        try:
            yield
        finally:
            del self._running[key]

    def _watch(self) -> None:
        assert self._limit is not None
        while True:
            time.sleep(min(0.25, self._limit / 4))
            now = time.monotonic()
            for name, since in list(self._running.values()):
                if now - since > self._limit:
                    log.critical("functionTimeout of %s s was exceeded by %s: ending", self._limit, name)
                    os._exit(TIMED_OUT)
