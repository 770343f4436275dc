"""What a person does with parked records: list them, try them again, or let them go."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

from sync.errors import Rejected
from sync.message import Message
from sync.parking import MESSAGES
from sync.runtime import Runtime
from sync.stores.ledger import Line, Result
from sync.stores.parked import Parked


async def select(runtime: Runtime, *, company: str = "", pair: str = "", key: str = "", code: str = "") -> list[Parked]:
    """Parked entries, oldest first, narrowed by whatever is given."""
    entries = [entry async for entry in runtime.parked.list(company, pair) if _matches(entry, key, code)]
    return sorted(entries, key=lambda entry: entry.since)


async def retry(runtime: Runtime, entries: list[Parked]) -> AsyncIterator[Parked]:
    """Put each record on its lane again. It leaves the parked list when it passes, and not before.

    Raises Rejected for a message that could not be read: it can be discarded only.
    """
    for entry in entries:
        if entry.pair == MESSAGES:
            raise Rejected("A message that can't be read can't be tried again; discard it.", code=entry.code)
        flow = runtime.flows[entry.flow]
        await runtime.lanes.send(flow.lane, Message.new(flow.name, entry.company, [entry.key], "retry"))
        yield entry


async def discard(runtime: Runtime, entries: list[Parked], why: str) -> AsyncIterator[Parked]:
    """Let entries go: the ledger keeps that it was done and why. The next change of the record is worked as ever."""
    for entry in entries:
        if entry.pair != MESSAGES:
            await _file(runtime, entry, why)
        await runtime.parked.remove(entry.company, entry.pair, entry.flow, entry.key)
        yield entry


async def _file(runtime: Runtime, entry: Parked, why: str) -> None:
    now = datetime.now(UTC).isoformat()
    message = Message.new(entry.flow, entry.company, [entry.key], "retry")
    line = Line(entry.key, entry.flow, Result.DISCARDED, why, "discard", now, now, message.message_id, code=entry.code)
    await runtime.ledger.write(entry.company, entry.pair, [line], redelivered=False)
    [couple] = (await runtime.crosswalk.read(entry.company, entry.pair, [entry.key])).values()
    if couple.etag:
        await runtime.crosswalk.save([(couple, replace(couple, parked=""))])


def _matches(entry: Parked, key: str, code: str) -> bool:
    return (not key or entry.key == key) and (not code or entry.code == code)
