"""Where faults strike and modelled time passes."""

import asyncio
import re
from dataclasses import dataclass

from sandbox.dataverse.errors import DataverseError
from sandbox.dataverse.wire import Reply
from sandbox.door import Fault, Faults


class Dropped(Exception):
    """The connection is to be cut without an answer."""


@dataclass(frozen=True)
class Seams:
    """Seams "dataverse.before", "dataverse.after", "dataverse.answered" and "dataverse.inner", and pauses."""

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
        return Reply.of(_error(fault))

    async def work(self, operations: int, *, requests: int = 0) -> None:
        """Let the time pass that so many requests and row operations take."""
        seconds = requests * self.latency + operations * self.operation
        if seconds:
            await asyncio.sleep(seconds)


def _error(fault: Fault) -> DataverseError:
    """The error a fault plans; its text may start with a code: `0x80044150 SQL error 1205`."""
    status = fault.code or 500
    headers = {"Retry-After": str(int(fault.seconds))} if fault.seconds else {}
    match = re.fullmatch(r"(0x[0-9a-fA-F]{8})?\s*(.*)", fault.text, re.DOTALL)
    assert match is not None
    code = match[1] or ("0x80072322" if status == 429 else "0x80040216")
    return DataverseError(status, code, match[2] or "A fault was asked for.", headers)
