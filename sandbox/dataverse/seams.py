"""Where faults strike and modelled time passes."""

import asyncio
from dataclasses import dataclass

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.wire import Reply
from sandbox.door import Faults


class Dropped(Exception):
    """The connection is to be cut without an answer."""


@dataclass(frozen=True)
class Seams:
    """Seams "dataverse.before", "dataverse.after" and "dataverse.inner" (a request in a batch), and pauses."""

    faults: Faults
    latency: float = 0
    operation: float = 0

    async def cross(self, at: str, subject: str) -> Reply | None:
        """The reply a planned error gives, None when nothing strikes. Raises Dropped."""
        fault = self.faults.take(at, subject)
        if fault is None:
            return None
        if fault.do == "drop":
            raise Dropped
        if fault.do == "delay":
            await asyncio.sleep(fault.seconds)
            return None
        status = fault.code or 500
        headers = {"Retry-After": str(int(fault.seconds))} if fault.seconds else {}
        code = "0x80072322" if status == 429 else "0x80040216"
        return Reply.of(DataverseError(status, code, fault.text or "A fault was asked for.", headers))

    async def work(self, operations: int, *, requests: int = 0) -> None:
        """Let the time pass that so many requests and row operations take."""
        seconds = requests * self.latency + operations * self.operation
        if seconds:
            await asyncio.sleep(seconds)
