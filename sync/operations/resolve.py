"""A person's decision about a parked record: whose values hold, or that Dynamics 365 may have what it asks for."""

from collections.abc import Sequence
from dataclasses import replace

from sync.errors import CODES, Rejected, RetryLater
from sync.mapping_model import Side
from sync.message import Message
from sync.runtime import Runtime
from sync.stores.couple import ANOTHER, APPROVED, Couple
from sync.stores.parked import Parked
from sync.way import way_of

DECIDED = frozenset({"values_differ", "approval_needed"})
"""Causes about which a side can be taken."""


async def resolve(runtime: Runtime, entries: Sequence[Parked], take: Side) -> tuple[list[Parked], list[Rejected]]:
    """Keep the decision with each record and put it on its lane: those decided, and why the others could not be.

    Raises RetryLater while a record is being written.
    """
    decided, refused = [], []
    for entry in entries:
        try:
            await resolve_one(runtime, entry, take)
        except Rejected as error:
            refused.append(error)
            continue
        decided.append(entry)
    return decided, refused


async def resolve_one(runtime: Runtime, entry: Parked, take: Side) -> None:
    """Keep the decision about one record. Raises Rejected for one about which no side can be taken, RetryLater as above."""
    name = f"{entry.pair}/{entry.company}/{entry.key}"
    if entry.code not in DECIDED | {ANOTHER} or entry.flow not in runtime.flows:
        raise Rejected(f"{name} is parked as {entry.code}: no side can be taken.", code=entry.code, key=entry.key)
    flow = runtime.flows[entry.flow]
    way = way_of(runtime.mappings[flow.pair], flow.side)
    [before] = (await way.couples(runtime.crosswalk, entry.company, flow.pair, [entry.key], close=False)).values()
    if before.intent:
        raise RetryLater(f"{name} is being written.", code="in_progress")
    [saved] = await runtime.crosswalk.save([(before, _decided(before, entry, name, take))])
    if not saved:
        raise RetryLater(f"{name} was just changed.", code="in_progress")
    await runtime.lanes.send(flow.lane, Message.new(flow.name, entry.company, [entry.key], "retry"))


def _decided(couple: Couple, entry: Parked, name: str, take: Side) -> Couple:
    """The couple with the decision. Of two records that differ a side is taken, whether they were coupled before or not."""
    if entry.code == ANOTHER and take == "d365":
        raise Rejected(f"{name} names another person in GP. {CODES[ANOTHER].next_step}", code=ANOTHER, key=entry.key)
    if entry.code in {"values_differ", ANOTHER}:
        return replace(couple, take=take)
    if couple.coupled:
        return replace(couple, granted=take)
    if take == "gp":
        text = f"{name} is coupled with nothing in GP yet, whose values could hold: approve it (--take d365) or discard it."
        raise Rejected(text, code="approval_needed", key=couple.id)
    return replace(couple, answer=APPROVED)
