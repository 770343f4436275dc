"""What a person does with parked records: list them, try them again, or let them go."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sync.errors import CODES, Rejected
from sync.event import Event
from sync.flow import Flow
from sync.message import Message
from sync.parking import MESSAGES, NOWHERE, WEBHOOKS
from sync.routing import Became
from sync.runtime import Runtime
from sync.stores.ledger import Line, Result
from sync.stores.parked import Parked
from sync.way import way_of

EXAMPLES = 3


@dataclass(frozen=True)
class Causes:
    """All parked entries of one cause: how many, since when, some of them, and what to do about them."""

    code: str
    count: int
    oldest: str
    examples: list[Parked]
    meaning: str
    next_step: str


def by_cause(entries: Sequence[Parked]) -> list[Causes]:
    """Entries grouped by their cause, the most frequent first. `entries` come oldest first."""
    groups: dict[str, list[Parked]] = {}
    for entry in entries:
        groups.setdefault(entry.code, []).append(entry)
    made = [_causes(code, some) for code, some in groups.items()]
    return sorted(made, key=lambda group: -group.count)


async def select(runtime: Runtime, *, company: str = "", pair: str = "", key: str = "", code: str = "") -> list[Parked]:
    """Parked entries, oldest first, narrowed by whatever is given."""
    entries = [entry async for entry in runtime.parked.list(company, pair) if _matches(entry, key, code)]
    return sorted(entries, key=lambda entry: entry.since)


async def retry(runtime: Runtime, entries: list[Parked]) -> tuple[list[Parked], list[Rejected]]:
    """Put each record on its lane again: those sent, and why the others could not be.

    A record leaves the parked list when it passes, and not before; a message that was parked whole, and can be read
    now, leaves it at once.
    """
    sent, refused = [], []
    for entry in entries:
        try:
            await _send_again(runtime, entry)
        except Rejected as error:
            refused.append(error)
        else:
            sent.append(entry)
    return sent, refused


async def discard(runtime: Runtime, entries: list[Parked], why: str) -> AsyncIterator[Parked]:
    """Let entries go: the ledger keeps that it was done and why. The next change of the record is worked as ever."""
    for entry in entries:
        if entry.pair not in (MESSAGES, WEBHOOKS):
            await _file(runtime, entry, why)
        await runtime.parked.remove(entry.company, entry.pair, entry.flow, entry.key)
        yield entry


async def _send_again(runtime: Runtime, entry: Parked) -> None:
    """Put one entry on its lane again. Raises Rejected when that can't be."""
    if entry.pair == WEBHOOKS:
        raise Rejected("What a refused webhook told is not kept: there is nothing to try again.", code=entry.code)
    if entry.company == NOWHERE and entry.pair != MESSAGES:
        await _route(runtime, entry)
        return
    flow, message = _message(runtime, entry)
    await runtime.lanes.send(flow.lane, message)
    if entry.pair == MESSAGES:
        await runtime.parked.remove(entry.company, entry.pair, entry.flow, entry.key)


async def _route(runtime: Runtime, entry: Parked) -> None:
    """Look again to which company a record of Dataverse belongs. Raises Rejected when it still belongs to none."""
    entity = runtime.mappings[entry.pair].dataverse.entity
    [became] = await runtime.routing.send([Event(entity, entry.key, "updated", "retry", datetime.now(UTC))])
    if became is Became.PARKED:
        raise Rejected(f"{entry.pair}/{entry.key} still belongs to no company: {entry.message}", code=entry.code)
    await runtime.parked.remove(entry.company, entry.pair, entry.flow, entry.key)


def _message(runtime: Runtime, entry: Parked) -> tuple[Flow, Message]:
    """What goes on a lane for an entry, and its flow. Raises Rejected when that can't be."""
    whole = entry.pair == MESSAGES
    name = f"Message {entry.key[:8]}" if whole else f"{entry.pair}/{entry.company}/{entry.key}"
    try:
        message = Message.parse(entry.body) if whole else Message.new(entry.flow, entry.company, [entry.key], "retry")
    except Rejected as error:
        raise Rejected(f"{name} can't be tried again. {error.message}", code=error.code) from error
    if message.flow not in runtime.flows or message.company not in runtime.settings.companies:
        text = f"{name} can't be tried again: flow {message.flow} of company {message.company} is not installed."
        raise Rejected(text, code="unknown_flow")
    return runtime.flows[message.flow], message


def _causes(code: str, entries: Sequence[Parked]) -> Causes:
    # A record may have been parked by another version, whose code is not known here.
    meaning = CODES[code].meaning if code in CODES else entries[0].message
    return Causes(code, len(entries), entries[0].since, list(entries[:EXAMPLES]), meaning, entries[0].next_step)


async def _file(runtime: Runtime, entry: Parked, why: str) -> None:
    now = datetime.now(UTC).isoformat()
    message = Message.new(entry.flow, entry.company, [entry.key], "retry")
    line = Line(entry.key, entry.flow, Result.DISCARDED, why, "discard", now, now, message.message_id, code=entry.code)
    await runtime.ledger.write(entry.company, entry.pair, [line], redelivered=False)
    side = runtime.flows[entry.flow].side if entry.flow in runtime.flows else "gp"
    way = way_of(runtime.mappings[entry.pair], side)
    couples = await way.couples(runtime.crosswalk, entry.company, entry.pair, [entry.key], close=False)
    couple = couples[entry.key]
    if couple.etag:
        await runtime.crosswalk.save([(couple, replace(couple.with_parked(side, ""), discarded=entry.code))])


def _matches(entry: Parked, key: str, code: str) -> bool:
    return (not key or entry.key == key) and (not code or entry.code == code)
